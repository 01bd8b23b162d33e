"""Pipelines: which assets run together, and when: by hand, on a schedule, or when new objects arrive."""
