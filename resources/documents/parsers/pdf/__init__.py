"""PDF: text in reading order, as paragraphs, headings, lists and tables.

```
parsing.py        the way in: page after page, then the document as a whole
characters.py     what PDFium knows of a character: its place, its weight
lines.py          the lines of a page as PDFium has them, with their places
right_to_left.py  lines of Arabic, Hebrew and their like, put together from where their letters stand
columns.py        lines that go across two columns, taken apart
ruled.py, aligned.py  tables with lines between their cells, and those without
running.py        what stands at the head or foot of many pages
layout.py         lines as blocks
words.py          words that were cut at the end of a line
```

A PDF holds no text but letters at places. PDFium puts them into lines in the order in which they were drawn, which is that of
reading in nearly all files; where it is not, the places decide. Asking for the place of a letter costs as much as
reading ten of them: it is asked of the first and last of each line, and of more only where something speaks for columns or a table.
"""
