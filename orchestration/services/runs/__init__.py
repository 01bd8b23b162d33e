"""Runs: launched, watched, canceled, found again. For the command line and whatever else starts work."""
