"""Runs: launched, watched, found again. For the command line and whatever else starts work."""
