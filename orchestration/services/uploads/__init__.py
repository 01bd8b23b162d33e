"""Files that people bring in: received in pieces, looked at, kept, declared, imported."""
