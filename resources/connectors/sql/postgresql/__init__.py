"""PostgreSQL: how it is spoken to, read and written."""
