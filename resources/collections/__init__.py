"""The words of collections: items, their metadata and its schema, filters. Pure: no database, no Dagster, no transport."""
