"""Asks the process of a code location what only it can answer: it holds the users' definitions, the web process does not."""
