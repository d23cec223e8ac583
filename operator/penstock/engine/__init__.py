"""One model of a vLLM engine: step time, KV cache and queueing, for sizing, simulation and emulation alike."""
