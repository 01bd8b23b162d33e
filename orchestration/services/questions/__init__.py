"""What may be asked of a code location's process: a module a noun, each with a table `QUESTIONS`.

The module is found by the first part of a question's name: `connector.test` stands in the module `connector`. A new noun
adds a module and nothing else.
"""
