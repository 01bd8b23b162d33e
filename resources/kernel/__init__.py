"""The words everybody shares: errors, names, keys, schemas, records.

No Dagster, no input or output, nothing of ours from outside this folder: an import contract holds it so.
"""
