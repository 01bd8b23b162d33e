"""Trying a connector: the steps on the way to a server, and what the UI shows of them (F036)."""
