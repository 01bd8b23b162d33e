"""The users' YAML as files that can be read, changed and written, with every byte that is not meant left as it is."""
