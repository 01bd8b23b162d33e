"""Which names keys of custom metadata may have."""

from __future__ import annotations

import re

from resources.kernel.errors import InputError

NAME_LIMIT = 200
_NAME = re.compile(r"[\w\-. ]*")
_RESERVED = frozenset({"keyframes"})


def check_key_name(name: str) -> str:
    """The name itself, if a key may have it: letters, digits, `-`, `_`, blank and `.`, a letter or digit among them.

    Raises:
        InputError: schema_key_invalid.
    """
    reason = ""
    if not _NAME.fullmatch(name) or not any(c.isalnum() for c in name):
        reason = (
            "it has letters, digits, '-', '_', '.' and blanks, and a letter or digit among them"
        )
    elif len(name) > NAME_LIMIT:
        reason = f"it has at most {NAME_LIMIT} characters"
    elif name in _RESERVED:
        reason = "it is reserved"
    if reason:
        raise InputError(
            f"{name[:80]!r} cannot name a metadata key: {reason}",
            hint="For instance `site.phase`",
            rule="schema_key_invalid",
        )
    return name
