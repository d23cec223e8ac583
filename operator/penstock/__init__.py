"""Penstock decides which LLM request goes next and how many replicas of each model variant run, and says why."""

__version__ = "0.1.0"
