"""How many replicas of each variant, and why: demand, capacity, bounds, hold."""
