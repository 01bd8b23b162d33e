"""The guard's rules as the environment gives them; secrets among them are taken out of it."""

from __future__ import annotations

import os

from orchestration.server.guard.rules import GuardRules
from orchestration.server.settings import PASSWORD_VARIABLE, PROBE_VARIABLE
from orchestration.server.switches import (
    has_metrics,
    is_read_only,
    public_address,
    requests_a_second,
    upload_limit_bytes,
    uploads_at_once,
)
from orchestration.services.kept_secret import kept_secret
from resources.home import waybill_home

KEY_FILE = "session-key"
"""In the home folder: signs sessions and forms, so that they outlive a restart. Removing it ends all sessions."""


def read_rules(port: int) -> GuardRules:
    """The rules of the server that answers at `port`.

    Raises:
        ConfigError: a variable, or the key in the home folder, cannot be used.
    """
    return GuardRules(
        port,
        os.environ.pop(PASSWORD_VARIABLE, ""),
        public=public_address(),
        key=kept_secret(waybill_home() / KEY_FILE).encode(),
        probe=os.environ.pop(PROBE_VARIABLE, ""),
        is_read_only=is_read_only(),
        has_metrics=has_metrics(),
        upload_limit_bytes=upload_limit_bytes(),
        uploads_at_once=uploads_at_once(),
        requests_a_second=requests_a_second(),
    )
