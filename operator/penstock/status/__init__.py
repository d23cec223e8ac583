"""Decision and observation become conditions and status stanzas."""
