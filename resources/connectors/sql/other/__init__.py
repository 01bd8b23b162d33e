"""Any other database that SQLAlchemy has a driver for: how it is read and written."""
