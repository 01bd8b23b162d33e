"""Datasets: numbered, immutable snapshots of what a datasource holds."""
