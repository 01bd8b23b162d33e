"""Passwords of users: hashed by scrypt, compared in constant work whether the user exists or not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from typing import NamedTuple

from resources.kernel.errors import InputError

LENGTH_MIN = 10
LENGTH_MAX = 500


class _Cost(NamedTuple):
    """scrypt's parameters: 32 MB and some 0.3 s of CPU."""

    log_n: int = 15
    r: int = 8
    p: int = 3


COST = _Cost()
_KEY_BYTES = 32
_MEMORY_BYTES = 256_000_000  # an upper bound that OpenSSL wants to know


def check_password(name: str, password: str) -> None:
    """Nothing, where it will do as the password of a user.

    Raises:
        InputError: it is too short or too long, or it is the name.
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise InputError(
            f"the password has {len(password)} characters",
            hint=f"Choose one of {LENGTH_MIN} to {LENGTH_MAX}: a sentence of some words is easy to keep in mind",
        )
    if name.casefold() in password.casefold() and len(password) < len(name) + LENGTH_MIN // 2:
        raise InputError("the password is little more than the name", hint="Choose another")


def hash_password(password: str) -> str:
    """What is kept of a password: the way it was hashed, a salt, the hash."""
    salt = secrets.token_bytes(16)
    key = _derive(password, salt, COST)
    return "$".join(("scrypt", *map(str, COST), _encoded(salt), _encoded(key)))


def is_password(password: str, kept: str | None) -> bool:
    """Whether it is the one that was hashed; None stands for a user that there is not, and costs as much."""
    if kept is None:
        _derive(password, b"\0" * 16, COST)
        return False
    kind, log_n, r, p, salt, key = kept.split("$")
    found = _derive(password, base64.b64decode(salt), _Cost(int(log_n), int(r), int(p)))
    return kind == "scrypt" and hmac.compare_digest(found, base64.b64decode(key))


def _derive(password: str, salt: bytes, cost: _Cost) -> bytes:
    # The same characters may come in two forms from two keyboards. Lone surrogates are no text, but no crash either.
    text = unicodedata.normalize("NFKC", password[:LENGTH_MAX]).encode("utf-8", "surrogatepass")
    n = 1 << cost.log_n
    return hashlib.scrypt(
        text, salt=salt, n=n, r=cost.r, p=cost.p, maxmem=_MEMORY_BYTES, dklen=_KEY_BYTES
    )


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
