"""Datasources: where data can be taken from, watched without being taken."""
