"""The revisions of the catalog's tables, and how Alembic runs them."""
