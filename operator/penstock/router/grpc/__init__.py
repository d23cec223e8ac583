"""gRPC over our own HTTP/2 (the protocol of grpc.io, "gRPC over HTTP2"): calls, framing, status."""
