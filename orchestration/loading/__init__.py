"""From the files under `defs/` to definitions: what can be read is loaded, and every mistake gets one line with its place."""
