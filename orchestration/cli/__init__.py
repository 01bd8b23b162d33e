"""The `waybill` command: parses, asks a service, prints. No Dagster before a command runs."""
