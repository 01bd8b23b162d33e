"""Who asks for something: a person at a shell or in a browser, or a program with a token."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What a user may do; each role may do what those before it may."""

    VIEWER = "viewer"
    """Looks at everything but secrets."""
    OPERATOR = "operator"
    """Starts and stops work, brings data in, sends results out."""
    ADMIN = "admin"
    """Changes what is declared, and who may do what."""

    def includes(self, other: Role) -> bool:
        """Whether it may do what `other` may."""
        return _RANKS[self] >= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}


class Scope(StrEnum):
    """What a token may be used for, whatever the role of its owner."""

    READ = "read"
    IMPORT = "import"
    """To bring data in and to start work."""
    WRITE = "write"
    """To change what is declared or kept."""


Via = Literal["shell", "local", "session", "token", "password"]
"""How the user came in; `local` is the only user of the machine, of whom no sign-in is asked."""


@dataclass(frozen=True)
class Actor:
    """Who asks.

    Args:
        name: of the user; of a token also its alias, `ada (token nightly)`.
        role: what the user may do.
        scopes: what this way in may be used for.
        via: the way in.
        address: where the request came from; empty at a shell.
    """

    name: str
    role: Role = Role.ADMIN
    scopes: frozenset[Scope] = frozenset(Scope)
    via: Via = "local"
    address: str = ""

    @property
    def user(self) -> str:
        """The user's name alone, also where a token of the user asks."""
        return user_of(self.name)

    def may(self, role: Role, scope: Scope) -> bool:
        """Whether this actor may do what asks for a role and a scope."""
        return self.role.includes(role) and scope in self.scopes


def user_of(name: str) -> str:
    """The user behind what an actor is called: a token of a user is called after both."""
    return name.partition(" (token ")[0]
