"""What Dagster loads: everything under `defs/`, put together by Waybill. Declare things there, not here."""

import waybill  # first: it makes sure that Waybill's own packages are meant by `assets`, `resources`, `orchestration`

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """The code location."""
    return waybill.load_definitions(__file__)
