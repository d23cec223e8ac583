"""Which request goes first: the keys and scores of every ordering policy."""
