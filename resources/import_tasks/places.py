"""Where in a definition something is wrong: its errors have the `place` among their facts, as names with `.` between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from resources.kernel.errors import ConfigError, InputError

_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`")


@contextmanager
def at_place(place: str) -> Iterator[None]:
    """What is refused within it is refused at this place; whoever asked is the one to act.

    Args:
        place: such as `source.path`.

    Raises:
        UnknownNameError: as it was raised.
        InputError: for any other error of a definition.
    """
    try:
        yield
    except (ConfigError, InputError) as error:
        error.facts.setdefault("place", place)
        if type(error) is ConfigError:
            raise InputError(error.message, hint=error.hint, **error.facts) from error
        raise


def place_of(message: str) -> str:
    """The place that a message of msgspec names; empty: the definition as a whole."""
    path, missing = _PATH.search(message), _MISSING.search(message)
    parts = [path["path"] if path else "", missing["name"] if missing else ""]
    return ".".join(filter(None, parts)).replace("[...]", "")
