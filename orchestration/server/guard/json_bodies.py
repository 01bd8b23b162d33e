"""JSON that no part behind the guard could take: a text with half of a character, or values without an end of depth."""

from __future__ import annotations

import json
import re
from typing import Any

from orchestration.server.guard.asgi import Refusal

LEVELS = 100
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_TOO_DEEP = Refusal(400, f"the JSON is nested more than {LEVELS} levels deep")


def check_json(body: bytes) -> Refusal | None:
    """Why a JSON body is refused; what is no JSON at all is told by whoever reads it."""
    try:
        value = json.loads(body)
    except RecursionError:
        return _TOO_DEEP
    except ValueError:
        return None
    if _is_too_deep(value):
        return _TOO_DEEP
    if _HALF.search(body) and not _is_text(value):
        hint = "Send it as it is, in UTF-8, or as a pair: \\ud83d\\ude00"
        return Refusal(400, "a text in the JSON holds half of a character", hint=hint)
    return None


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(LEVELS):
        level = [part for one in level for part in _parts(one)]
        if not level:
            return False
    return True


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _is_text(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
