"""A folder as a place of files."""
