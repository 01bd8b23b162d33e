"""A declaration as a short text that changes when it does: the code version of what is learned from data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any


def digest(declaration: Any) -> str:
    """16 hex digits of a declaration, a dataclass of plain values; the same in every process."""
    text = json.dumps(asdict(declaration), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
