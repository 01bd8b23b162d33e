"""Classification sets in the catalog database: their rows, their history, what changed when."""
