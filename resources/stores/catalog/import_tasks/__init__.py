"""Import tasks in the catalog: definitions, states with their history, what became of each item, what targets know already."""
