"""The comparison: every policy on every workload, tuned, with intervals, targets and losses."""
