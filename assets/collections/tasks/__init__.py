"""Carrying a task out into a collection: its items are listed, fetched, read, written down in lots, and published.

```
source.py            which source a task has; upload_source.py, web_source.py (connectors: resources/sources/connector_items.py): one each
archive_items.py     the members of an uploaded ZIP as items
reading.py           what becomes of one fetched file: a document with its text, or media with their facts
working.py           many items at once, in lots, until all are done or the task is to stop
carrying_out.py      a run of a task from its beginning to its end
keeping_task.py      the run of the collection's asset that does so
chunks.py            the asset of the chunks of texts
```
"""
