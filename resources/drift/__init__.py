"""How far one version of a table is from another: its columns' distributions beside each other, and what that is judged by.

`settings.py` says what is asked, `reference.py` what is compared with, `record.py` what comes out; the other modules compute it:

```
pairs.py     which column is which, and how both are brought onto values of one type
counting.py  how often each value is there on either side: one grouping by DuckDB, from which all follows
ordered.py   numbers and times, in order; categories.py: texts and booleans
measures.py  the formulas, numbers in and numbers out
judging.py   what is drift, what is chance
compute.py   from two versions to the record
```

docs/drift.md says what each measure means.
"""
