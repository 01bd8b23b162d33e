"""Definitions made, changed and deleted: planned as text, judged with the whole project, then written or refused."""
