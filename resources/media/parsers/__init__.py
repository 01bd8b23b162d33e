"""What a worker runs on a file: one module a kind of file, each with what it tells and the picture that it gives.

A parser is called with a file of which the kind is known by its content. It raises what it likes; see
`sandbox/worker.py`.
"""
