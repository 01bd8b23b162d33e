"""Import tasks as runs: what each kind of target takes, which job works on a task, what its run is told, by which tags it is found.

A kind of target is a module here with one `TaskTarget`, named in `targets.py`.
"""
