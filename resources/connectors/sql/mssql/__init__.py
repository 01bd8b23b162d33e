"""SQL Server: how it is read and written."""
