"""How fast passwords may be guessed: over all connections of an address and for each name.

A wrong password costs one of few tries, which come back one by one. While none is left, passwords of that address
are not looked at, so guesses learn nothing. A connection that brought the right one goes on: a user at work in the
web UI is not thrown out by a neighbour's guesses.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from resources.kernel.errors import TooManyTriesError

TRIES = 10
SECONDS_A_TRY = 5.0
_REMEMBERED = 10_000
K = TypeVar("K")
V = TypeVar("V")
Client = tuple[str, int] | None
"""Address and port of the other side; the port tells connections apart."""


@dataclass
class Throttle:
    """Counts wrong passwords by address.

    Args:
        clock: seconds that only grow.
    """

    clock: Callable[[], float] = time.monotonic
    _full_at: OrderedDict[str, float] = field(default_factory=OrderedDict)
    """When an address has all its tries back; none is left `TRIES * SECONDS_A_TRY` before."""
    _known: OrderedDict[tuple[str, int], None] = field(default_factory=OrderedDict)

    def wait_seconds(self, client: Client) -> float:
        """How long until a password from there is looked at; 0 when it is now."""
        if client is not None and tuple(client) in self._known:
            return 0.0
        debt = self._full_at.get(_address(client), 0.0) - self.clock()
        return max(0.0, debt - (TRIES - 1) * SECONDS_A_TRY)

    def failed(self, client: Client) -> None:
        """A wrong password came from there."""
        address = _address(client)
        since = max(self._full_at.pop(address, 0.0), self.clock())
        _remember(self._full_at, address, since + SECONDS_A_TRY)
        if client is not None:
            self._known.pop((client[0], client[1]), None)

    def repaid(self, client: Client) -> None:
        """What was counted as wrong beforehand was right."""
        address = _address(client)
        if address in self._full_at:
            self._full_at[address] -= SECONDS_A_TRY

    def passed(self, client: Client) -> None:
        """The right password came over this connection."""
        if client is not None:
            _remember(self._known, (client[0], client[1]), None)


class Guesses:
    """Passwords of people, tried at the sign-in or where they change them: few tries an address, and few a name.

    Args:
        addresses: counts wrong ones by address.
    """

    def __init__(self, addresses: Throttle) -> None:
        self._addresses = addresses
        self._names = Throttle()

    @contextmanager
    def one(self, client: Client, name: str) -> Iterator[None]:
        """One try; it was wrong where the context is left by an error.

        Raises:
            TooManyTriesError: no password of this name, or from there, is looked at now.
        """
        account = (f"user {name.lower()[:64]}", 0)
        wait = max(self._addresses.wait_seconds(client), self._names.wait_seconds(account))
        if wait:
            seconds = max(1, math.ceil(wait))
            raise TooManyTriesError(
                "too many wrong passwords",
                hint=f"Wait {seconds} seconds, then try again",
                wait_seconds=seconds,
            )
        # What is tried at the same time counts before anybody knows whether it is right.
        self._addresses.failed(client)
        self._names.failed(account)
        yield
        self._addresses.repaid(client)
        self._names.repaid(account)


def _address(client: Client) -> str:
    """One name for all addresses that one sender may use: loopback is a range, and so is an IPv6 network."""
    if client is None:
        return ""
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return client[0]
    if address.is_loopback:
        return "loopback"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _remember(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
