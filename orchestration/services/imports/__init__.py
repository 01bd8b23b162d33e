"""Imports of uploaded files that were asked for over HTTP: written down, then carried out beside the requests."""
