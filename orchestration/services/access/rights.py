"""What each use case asks for: a role, and of a token a scope. One that is not listed here nobody may do."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.services.access.actor import Actor, Role, Scope


@dataclass(frozen=True)
class Right:
    """What somebody needs for a use case."""

    role: Role
    scope: Scope


LOOK = Right(Role.VIEWER, Scope.READ)

RIGHTS: dict[str, Right] = {
    "overview": LOOK,
    "project.list": LOOK,
}
"""By use case: `noun.verb`."""


def is_allowed(use_case: str, actor: Actor) -> bool:
    """Whether an actor may do it."""
    right = RIGHTS.get(use_case)
    return right is not None and actor.may(right.role, right.scope)
