"""What is in a document, told by parsers that may be attacked by it: text in reading order, structure, metadata.

```
document.py      the words: headings, paragraphs, lists, tables, code, pictures; pages; what the file says of itself
kinds.py         which kind of document a file is, by its name and its content
reader.py        the way in: confined processes (`resources/sandbox/`) that parse, and others that recognise text
packages.py      what has to be installed for that
parsers/         run in there, one module a kind
worker.py, ocr_worker.py  the programs of such processes
recognised.py    text of scanned pages, put where it belongs
markdown.py      a document as Markdown, JSON or plain text
chunks.py        a document in pieces for retrieval
fields.py        a user's own keys, filled by rules
refusals.py      a document that cannot be read, and which rule it breaks
```

A parser never sees a credential, a connection or a path. It asks for ranges of bytes over a socket, and what it answers is
checked against its type before it is believed. What kills it is an error of the document.
"""
