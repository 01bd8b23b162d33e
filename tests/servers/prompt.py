"""How HTTP servers of the tests send what they answer."""

from __future__ import annotations


class Prompt:
    """A handler that sends at once: head and body go apart, and the second would wait 40 ms until the other side has told of the first."""

    disable_nagle_algorithm = True
