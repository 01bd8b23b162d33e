"""Use cases of import tasks: made, listed, shown, started, stopped, retried, deleted, and what became of each item."""
