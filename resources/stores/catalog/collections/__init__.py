"""Collections in the catalog database: items with their metadata, the imports that made them, the schemas of metadata.

**What holds.** An import registers all items of its specification or none, exactly once, however often it is retried or
killed: `loading.py` commits the items, the row of the import (`registered_at`, counts) and the collection's next
`revision` in one transaction. What was decided from reading the folder (which items are there already) is decided
against a revision; if the collection has another one when the transaction commits, it is rolled back and the
specification read again. A lock by name keeps imports into one collection from doing that to each other; nothing is
wrong without it. An outcome of looking at an item counts once, and only while the item is pending in that import: an
import that is overtaken by a newer one cannot write over it.

**One table of items for all collections, one narrow table of facets for each.** Items are wide (URLs, metadata), so a
filter that had to read them would read everything: 1,000,000 items are half a gigabyte. `facets_<id>` has folder, type, state and a
typed column a declared key. The facets cost 1 us an item. They are derived: dropped and read anew when the declared keys change.
SQLite looks at all of its rows, 80 ms of processor time for 1,000,000 items, whatever the filter is: its planner does not know how many rows
a range has, so with indexes a filter that most items fulfil would take ten times as long. PostgreSQL knows it, and takes twice as long
for all rows: there a column a key has an index from 50,000 items on, made once the items are there (1 us an item and key; 1.5
while they come). A filter on two keys takes it 1 to 10 ms. Counts of what half of the items fulfil are a look at all rows in both.
A table of (key, value, item) costs as much as indexes and needs a join a key.

**What it costs.** Registering writes items twice in SQLite: they are put aside in a temporary table, so that no other writer has to
wait while a specification is read, and moved by `INSERT ... SELECT`. PostgreSQL's writers do not wait for each other: there they
go straight into the tables by COPY. Items have no foreign keys: the check would be a third of the work, and all
that writes them is here. Sorting or filtering by title, URL, a key of kind `text` or media metadata reads the items
themselves: a second for 1,000,000 of them where hardly any fits. A change of declared keys reads all metadata once; on SQLite
other writers wait for that.
"""
