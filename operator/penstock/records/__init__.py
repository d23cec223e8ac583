"""Decision records: everything a pass knew and answered, as JSON that replays bit for bit."""
