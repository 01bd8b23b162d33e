"""Use cases of metadata schemas: which there are, how they are changed, and what of the stored metadata no longer fits."""
