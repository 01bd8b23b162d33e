"""SQLite files: how they are read and written."""
