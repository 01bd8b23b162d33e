"""Classification sets: files of keys and attributes in, a checked look-up table out."""
