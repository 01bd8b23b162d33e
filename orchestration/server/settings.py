"""Names and limits that the server's processes agree on; imports nothing."""

PASSWORD_VARIABLE = "WAYBILL_UI_PASSWORD"  # noqa: S105 - the name of a variable, not a password
"""Asked by HTTP Basic when set."""

STOP_SECONDS = 7
"""How long the server's processes may take to end by themselves before they are killed."""

RUNNER_VARIABLE = "WAYBILL_RUNNER"
"""Names the socket of the warm runner to the processes that launch runs."""
