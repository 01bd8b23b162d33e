"""What a page says once after something was done: it travels in a signed cookie, so that no link can put words in it."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from orchestration.services.site.site import Site

COOKIE = "waybill_notice"
SECONDS = 60
LIMIT = 500


def put_notice(answer: Response, site: Site, text: str) -> Response:
    """Has the next page say `text`."""
    signed = _signer(site).dumps(text[:LIMIT])
    answer.set_cookie(COOKIE, signed, SECONDS, path="/data/", httponly=True, samesite="strict")
    return answer


def take_notice(request: Request, site: Site) -> str:
    """What the page is to say; empty when nothing, or when the text is not ours."""
    given = request.cookies.get(COOKIE, "")
    if not given:
        return ""
    try:
        return str(_signer(site).loads(given, max_age=SECONDS))
    except BadSignature:
        return ""


def _signer(site: Site) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(site.secret, salt="notice")
