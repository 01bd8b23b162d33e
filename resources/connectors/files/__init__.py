"""What connectors of files share: patterns of keys, listings, local copies, names of files being written."""
