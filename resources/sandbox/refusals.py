"""A file that a worker refuses, or that ends its worker: an error of the file, in one line."""

from __future__ import annotations

from typing import Literal

from resources.kernel.errors import InputError

EndRule = Literal["died", "over_time", "over_memory", "over_reading", "unreadable", "too_deep"]
"""What the sandbox itself says of a file. The rooms that use it have rules of their own beside these, or instead of them.

`died`: the parser ended, or sent what is no answer; `over_*`: a limit was reached; `unreadable`: the parser raised an
error; `too_deep`: the file is nested deeper than a parser can follow.
"""


class SandboxRefusedError(InputError):
    """A file that cannot be read, or breaks a rule. The rooms that use the sandbox derive their own.

    Args:
        rule: which rule.
        message: what was found, in one line.
        source: which of the files that were given, by its position.
    """

    def __init__(self, rule: str, message: str, source: int = 0) -> None:
        super().__init__(message, rule=rule, source=source)
