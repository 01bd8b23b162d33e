"""Datasets: numbered, immutable snapshots of what a data source holds."""
