"""Use cases of collections: what there is, what a specification would do, imports begun, gone on with and told about."""
