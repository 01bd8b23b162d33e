"""Checks that the profile of a dataset proposes, as YAML to be pasted into its declaration. Reads the profile, no row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assets.checks.expectations import parse_expectations
from assets.checks.names import check_names
from assets.checks.suggestions import Suggestion, suggest
from orchestration.services.definition_files.emit import to_inline
from resources.kernel.keys import Key
from resources.profiles.kept import read_profile
from resources.stores.tables import TableStore


@dataclass(frozen=True)
class SuggestedCheck:
    """An expectation that is proposed."""

    expectation: str
    arguments: dict[str, Any]
    """As `checks:` takes them; `severity: warn` where data may rightly change."""
    because: str
    """What the profile says."""


@dataclass(frozen=True)
class SuggestedChecks:
    """What is proposed for a dataset. All of it holds for the version that was looked at."""

    dataset: str
    version: int
    """Of the dataset, that the profile is of."""
    checks: tuple[SuggestedCheck, ...]
    yaml: str
    """All of them, as `checks:` of the declaration; empty where there are none."""
    declared: int
    """How many more were left out, since the dataset is held to them already."""


def suggest_checks(
    store: TableStore, key: Key, declared: Sequence[str], version: int | None = None
) -> SuggestedChecks:
    """What the profile of a version proposes, the newest profile unless a number is given.

    Args:
        store: where the profile is kept.
        key: of the dataset.
        declared: names of the checks that it is held to.
        version: of the dataset.

    Raises:
        NotFoundError: there is no profile of it.
    """
    profile = read_profile(store, key, version)
    found = suggest(profile)
    names = check_names(parse_expectations([one.entry for one in found]))
    known = set(declared)
    new = [one for one, name in zip(found, names, strict=True) if name not in known]
    return SuggestedChecks(
        dataset="/".join(key[1:]),
        version=profile.of.version,
        checks=tuple(SuggestedCheck(one.kind, one.arguments, one.because) for one in new),
        yaml=to_checks(new),
        declared=len(found) - len(new),
    )


def to_checks(suggestions: Sequence[Suggestion]) -> str:
    """`checks:` with a line each."""
    if not suggestions:
        return ""
    lines = [f"  - {to_inline(one.kind)}: {to_inline(one.arguments)}\n" for one in suggestions]
    return "checks:\n" + "".join(lines)
