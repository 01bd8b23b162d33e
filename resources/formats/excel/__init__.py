"""Excel workbooks: one sheet of each file to typed Arrow batches. Excel's own cell types are the truth.

Who does what: `options` what a user may settle; `guard` refuses workbooks made to harm before they are opened; `sheet`
opens the one sheet meant and finds its header; `cells` Python values to columns; `reader` runs it all.
"""

from resources.formats.excel.options import ExcelOptions
from resources.formats.excel.reader import ExcelReader

__all__ = ["ExcelOptions", "ExcelReader"]
