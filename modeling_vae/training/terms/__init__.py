"""The terms of the objective, one file each: a term owns its weight, its state and its start."""
