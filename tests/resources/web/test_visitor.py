from __future__ import annotations

import pytest

from resources.kernel.errors import ConfigError
from resources.web.client import USER_AGENT
from resources.web.visitor import CONTACT_VARIABLE, PAUSE_VARIABLE, visitor_of


def test_without_settings():
    assert (visitor_of({}).user_agent, visitor_of({}).pause) == (USER_AGENT, 1.0)


def test_what_an_operator_sets():
    found = visitor_of({CONTACT_VARIABLE: " https://example.org/robot ", PAUSE_VARIABLE: "0.25"})
    assert found.user_agent == f"{USER_AGENT} (+https://example.org/robot)"
    assert found.pause == 0.25


@pytest.mark.parametrize(
    ("name", "value"),
    [(CONTACT_VARIABLE, "a\nb"), (CONTACT_VARIABLE, "a b"), (CONTACT_VARIABLE, "x)"), (CONTACT_VARIABLE, "é"), (CONTACT_VARIABLE, "x" * 201),
     (PAUSE_VARIABLE, "-1"), (PAUSE_VARIABLE, "soon"), (PAUSE_VARIABLE, "inf"), (PAUSE_VARIABLE, "nan"), (PAUSE_VARIABLE, "1e9")],
)  # fmt: skip
def test_what_cannot_be(name, value):
    with pytest.raises(ConfigError, match=name):
        visitor_of({name: value})
