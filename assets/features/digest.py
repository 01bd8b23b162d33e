"""A declaration as a short text that changes when it does: the code version of what is learned from data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, is_dataclass
from typing import Any


def digest(*declared: Any) -> str:
    """16 hex digits of plain values and dataclasses of them; the same in every process."""
    plain = [
        asdict(part) if is_dataclass(part) and not isinstance(part, type) else part
        for part in declared
    ]
    text = json.dumps(plain, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
