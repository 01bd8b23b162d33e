"""CSV and its relatives: delimited text to typed Arrow batches, no value changed on the way (R12).

Who does what: `options` what a user may settle; `dialect` separator, quote and
newline; `chunks` cuts the text at the ends of records and refuses broken structure; `parse` chunk to columns of text;
`plan` the types of the columns; `marks` and `doubts` what marks in numbers mean, or that it cannot be told; `reader` runs it all. The typing rule itself is
`resources.formats.text_types`.
"""

from resources.formats.csv.options import CsvOptions
from resources.formats.csv.reader import CsvReader
from resources.formats.files import SourceFile

__all__ = ["CsvOptions", "CsvReader", "SourceFile"]
