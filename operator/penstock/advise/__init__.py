"""What Penstock would have done with a cluster's own past, in money and attainment."""
