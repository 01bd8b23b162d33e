"""Pipelines as people see them: what is declared, when each runs next, whether it is paused. Running one is `runs/`."""
