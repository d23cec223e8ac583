"""Ground floor: nouns, units, errors and reasons that every other room shares; standard library only."""
