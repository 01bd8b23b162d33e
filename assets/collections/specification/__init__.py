"""Specification files: which objects a collection takes, as JSON or CSV. Pure.

`reading.py` is the way in and `making/` writes them. JSON: `json_cursor.py` cuts a file of any size into stretches of whole
items, `json_items.py` takes those that are surely good at once, `json_explain.py` looks at an item that may not be. CSV:
`csv_file.py`, with `csv_groups.py` for rows that make one item. What both share: `sections.py`, `urls.py`, `problems.py`,
`counts.py`.
"""
