"""The engine model behind an HTTP socket: a drop-in for llm-d-inference-sim."""
