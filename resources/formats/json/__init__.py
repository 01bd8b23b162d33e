"""JSON and JSON Lines: objects to typed Arrow batches, no value changed on the way (R12).

Who does what: `options` what a user may settle; `structure` strings and nesting found by their bytes; `chunks` whole
records of a file; `template` and `general` the two ways from a chunk to columns of literals, which are the texts that
stand in the file; `values` literals to typed columns; `plan` the types; `reader` runs it all.
"""

from resources.formats.json.options import JsonOptions
from resources.formats.json.reader import JsonReader

__all__ = ["JsonOptions", "JsonReader"]
