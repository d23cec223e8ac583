"""Server side of HTTP/2 (RFC 9113), sans I/O, with a thin asyncio shell."""
