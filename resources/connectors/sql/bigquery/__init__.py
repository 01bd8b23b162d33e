"""BigQuery: how it is read."""
