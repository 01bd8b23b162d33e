"""What tables are held to: expectations of `checks:`, judged over stored Parquet, and what becomes of a changed schema.

```
expectations.py   what is asked, as records; expectation_names.py, expectation_arguments.py, argument_kinds.py: what may be asked
build.py          the checks that Dagster sees, and one step that evaluates all of them
judging.py        who judges what
native.py         Waybill's own judgement: over batches, over one column of numbers, or by DuckDB
library.py        Great Expectations' judgement, of what is left
column_rules.py, figures.py, row_rules.py, groups.py, table_rules.py   rules, by what they need to see
tally.py, report.py   what was found, in the words of the library
patterns.py       regular expressions that may run for ever, with a limit
schema_change.py  `on_schema_change`
suggestions.py    expectations that a profile proposes
```

No noun: datasets, transforms and predictions take it from here.
"""
