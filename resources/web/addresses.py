"""Which addresses may be asked: https, the usual port, a host that is in the public internet."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from resources.kernel.errors import InputError
from resources.kernel.urls import without_secrets
from resources.web.failures import WebRule

URL_LIMIT = 16_384
PORT = 443
_SCHEME = "its scheme"
_NUMBER = re.compile(r"(.*[.])?(0x[0-9a-f]*|[0-9]+)|.*:.*", re.IGNORECASE)
"""An IP address in place of a name, in one of the forms that programs read as one."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class WebAddress:
    """A URL that may be asked for, in parts that go into a request as they are."""

    url: str
    """Without its fragment."""
    host: str
    """In the letters that DNS knows."""
    target: str
    """Path and query, as the request names them."""


def check_url(url: str) -> WebAddress:
    """The parts of a URL that may be asked for.

    Raises:
        InputError: another scheme or port, a user name, no host, or no URL at all (T1).
    """
    reason, parts = _judged(url)
    if reason or parts is None:
        raise refused(url, reason, "not_https" if reason.startswith(_SCHEME) else "address_refused")
    host = parts.hostname or ""
    try:
        name = host if ":" in host else host.rstrip(".").encode("idna").decode()
    except UnicodeError as error:
        raise refused(url, "its host is no name that DNS knows") from error
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]|")
    target = f"{path}?{query}" if query else path
    shown = f"[{name}]" if ":" in name else name
    return WebAddress(f"https://{shown}{target}", name, target)


def check_named(url: str) -> WebAddress:
    """The parts of a URL whose host is not seen to be hidden. What a name leads to is judged when it is asked.

    Raises:
        InputError: as `check_url`; its host is this machine, or an IP address that is not public.
    """
    address = check_url(url)
    if _NUMBER.fullmatch(address.host):
        check_addresses(url, address.host, [address.host])
    if address.host.lower() == "localhost" or address.host.lower().endswith(".localhost"):
        raise refused(url, "it leads to this machine")
    return address


def check_addresses(url: str, host: str, found: Sequence[str]) -> list[str]:
    """The addresses of a host, all of them public.

    One that is not refuses all: a name that leads to both is made to get behind a judgement (T2, T3).

    Raises:
        InputError: one is not, or there is none.
    """
    hidden = [address for address in found if not is_public(address)]
    if hidden:
        led = "" if host == hidden[0] else f" leads to {hidden[0]}, which"
        raise refused(url, f"{host}{led} is not in the public internet")
    if not found:
        raise refused(url, f"{host} has no address")
    return list(found)


def is_public(text: str) -> bool:
    """Whether an IP address is one of the public internet, whatever form it comes in."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(_is_open(one) for one in [address, *_inside(address)])


def refused(url: str, reason: str, rule: WebRule = "address_refused") -> InputError:
    """The error about an address that may not be asked for."""
    return InputError(
        f"the address {shown_url(url)} is refused: {reason}",
        hint="Give an https:// address of the public internet; for a server of your own declare a connector",
        url=without_secrets(url)[:200],
        rule=rule,
    )


def shown_url(url: str) -> str:
    """A URL as it may stand in a text: without what could be a password, short, on one line."""
    clean = "".join(c if c.isprintable() else "?" for c in without_secrets(url))
    return repr(clean if len(clean) <= 120 else clean[:119] + "…")


def _judged(url: str) -> tuple[str, SplitResult | None]:
    """Why a URL may not be asked for, or its parts."""
    if len(url) > URL_LIMIT:
        return f"it has more than {URL_LIMIT} characters", None
    if any(c.isspace() or not c.isprintable() for c in url) or "\\" in url:
        return "it holds whitespace, a backslash or a control character", None
    try:
        parts = urlsplit(url)
        return _judged_parts(parts, parts.port), parts
    except ValueError:
        return "it is no address", None


def _judged_parts(parts: SplitResult, port: int | None) -> str:
    if parts.scheme != "https":
        return f"{_SCHEME} is {parts.scheme or 'missing'}, not https"
    if "@" in parts.netloc:
        return "it holds a user name"
    if port not in (None, PORT):
        return f"its port is {port}, not {PORT}"
    return "" if parts.hostname and "%" not in parts.hostname else "it names no host"


def _inside(address: _Address) -> list[_Address]:
    """IPv4 addresses that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[_Address | None] = [address.ipv4_mapped, address.sixtofour]
    if address.teredo:
        found += address.teredo
    if address in _NAT64 or int(address) >> 32 == 0:  # the second: `::a.b.c.d`, long out of use
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


def _is_open(address: _Address) -> bool:
    """`is_global` calls some mapped, multicast and reserved addresses so."""
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address in _NAT64):
        return True  # judged by what is inside
    return address.is_global and not (address.is_multicast or address.is_reserved)
