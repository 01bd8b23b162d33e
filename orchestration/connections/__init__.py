"""Trying connections from Dagster's UI: jobs for the Launchpad. The command line does the same through services."""
