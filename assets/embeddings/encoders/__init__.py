"""Ways to a vector for every row of a table: one module each, listed in the registry."""
