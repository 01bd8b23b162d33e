"""What data sources take and how it is watched: objects, tables and queries of connectors, as streams."""
