"""What stands before the one address: requests that a foreign page, host or person could have caused stop here (R11).

Dagster's webserver executes GraphQL mutations by GET and asks neither for Origin nor Host nor a name (T29-T34). The guard
is plain ASGI and stands before all of it alike: Dagster's UI, the data section, the HTTP API. In this order:

    rules.py      421 for a foreign Host, 403 for a foreign Origin or a cross-site request; forms that nothing vouches for
    doors.py      who comes in: session, token, password, or the only user of the machine; 401, 429 for guesses
    login.py      the pages for signing in and out
    zones.py      405, 415, 413: methods and bodies that each part of the address takes
    forms.py      403 for a form that does not belong to the session
    limits.py     429: requests in time, uploads side by side
    bodies.py     413, 408: bodies read whole, or streamed under a limit of size and pace
    lingering.py  an answer before the end of a body arrives all the same
    graphql.py    403: mutations (`mutations.py`) that the user may not run; `sockets.py` the same by websocket
    lasting.py    streams and uploads end soon after the session, token or user that opened them
    record.py     what is changed through Dagster's address goes into the audit log
    answers.py    how it is said: a page, a problem document; headers that harden every answer
    guard.py      the way through all of it
"""

from orchestration.server.guard.guard import Guard
from orchestration.server.guard.rules import GuardRules
from orchestration.server.guard.zones import BODY_LIMIT_BYTES

__all__ = ["BODY_LIMIT_BYTES", "Guard", "GuardRules"]
