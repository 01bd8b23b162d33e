"""What a worker runs on a document: one module a kind of document, each with a function `parse`.

`parsing.py` says which kind has which. A parser is called with a file of which the first bytes are those of its kind. It puts what
it finds into a `Gathered`, in reading order, and raises what it likes; see `resources/sandbox/worker.py`.
"""
