"""The only place where adapters meet ports: one file per process."""
