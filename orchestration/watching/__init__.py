"""Watching a place where objects appear: what is new there, once for each, whatever fails meanwhile."""
