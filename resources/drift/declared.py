"""What a table is declared to be held to, as the check carries it: the pages and commands that compare versions begin with the same."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from resources.drift.reference import PREVIOUS
from resources.drift.settings import DriftSettings

PROPERTY = "waybill/drift"
"""Under which the check's metadata has it."""


@dataclass(frozen=True)
class DeclaredDrift:
    """What `drift:` of a table says; of a table without one what is meant then."""

    against: str = PREVIOUS
    """As `parse_reference` reads it."""
    settings: DriftSettings = field(default_factory=DriftSettings)
    blocking: bool = False


def encode_declared(found: DeclaredDrift) -> str:
    """As JSON."""
    return msgspec.json.encode(found).decode()


def decode_declared(text: str) -> DeclaredDrift:
    """From JSON; of nothing what holds where nothing is declared."""
    return msgspec.json.decode(text, type=DeclaredDrift) if text else DeclaredDrift()
