"""Oracle Database: how it is read and written."""
