"""A profile as people see it: figures in words, charts, associations as a matrix, the report of a version as one file."""
