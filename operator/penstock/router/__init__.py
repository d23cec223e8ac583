"""The router process: ext_proc wire, admin API, endpoint watch, metrics around the pure scheduler."""
