"""One check for all datasources: whether the connector of each answers, step by step.

It runs when it is asked for (*Execute* on the check): observing and importing connect by themselves, and fail
with the same reason. Many data sources share one op, since an op each would cost the code location 2 ms a data source,
and so that a run tests a connector once for all of those. They are not all in one: to build a job, Dagster goes over
all assets of a check for each of them, which for 5,000 took 12 s of CPU.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from orchestration.location import Location
from orchestration.services.connectors import ConnectorTest, check_connector
from resources.connectors.trial.metadata import check_metadata
from resources.kernel.errors import ConfigError
from resources.kernel.keys import asset_key
from resources.kernel.records import CheckReport

CHECK = "reachable"
OP = "reachable_datasources"
CHECKS_OF_AN_OP = 100


def build_reachable_checks(location: Location) -> list[dg.AssetChecksDefinition]:
    """The check of every declared data source, those of one connector beside each other; nothing when there is none."""
    named = sorted((spec.connector, name) for name, spec in location.datasources().items())
    parts = [named[at : at + CHECKS_OF_AN_OP] for at in range(0, len(named), CHECKS_OF_AN_OP)]
    return [
        _checks(
            location,
            OP if number == 1 else f"{OP}_{number}",
            {dg.AssetKey(asset_key("datasources", name)): connector for connector, name in part},
        )
        for number, part in enumerate(parts, start=1)
    ]


def _checks(
    location: Location, op: str, connectors: Mapping[dg.AssetKey, str]
) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=op,
        specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=key,
                description=f"Tries connector {connector}: name resolution, port, TLS, login, rights",
            )
            for key, connector in connectors.items()
        ],
        can_subset=True,
    )
    def _reachable(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        tested: dict[str, ConnectorTest] = {}
        for key in sorted(context.selected_asset_check_keys):
            name = connectors[key.asset_key]
            if name not in tested:
                tested[name] = _test(location, name)
            found = tested[name]
            report = CheckReport(found.ok, found.detail, found.facts, found.steps)
            yield dg.AssetCheckResult(
                check_name=CHECK,
                asset_key=key.asset_key,
                passed=found.ok,
                severity=dg.AssetCheckSeverity.ERROR,
                description=found.detail,
                metadata=check_metadata(report),
            )

    return _reachable


def _test(location: Location, name: str) -> ConnectorTest:
    try:
        return check_connector(location, name)
    except ConfigError as error:  # a variable that is not set stops the check of this one alone
        return ConnectorTest(name, False, str(error), {}, (), 0.0)
