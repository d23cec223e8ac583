"""Other autoscalers' laws, each written after its source, and the bounds that no law can pass."""
