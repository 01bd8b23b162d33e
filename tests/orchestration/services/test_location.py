"""Names of the code location, and what is said when it does not load."""

import dagster as dg
import pytest

from orchestration.services.location import Location
from resources.kernel.errors import ConfigError, UnknownNameError
from tests.project import project

WRONG = """
type: assets.Datasource
attributes: {name: orders, connector: lakes, path: "*.csv"}
---
type: resources.FolderConnector
attributes: {name: lake, root: lake}
"""


def test_a_wrong_name_is_the_error_with_its_place():
    def build():
        with project(WRONG) as definitions:
            return definitions

    with pytest.raises(UnknownNameError, match=r"defs\.yaml:\d+.*'lakes'.*Known: lake"):
        Location.load(build)


@pytest.mark.parametrize(
    "error", [NameError("x"), ImportError("no module named x"), SystemError("x")]
)
def test_an_error_of_users_python_is_one_line(error):
    def build():
        raise dg.DagsterInvalidDefinitionError("wrapped") from error

    with pytest.raises(ConfigError, match=f"{type(error).__name__}: .*x.*dg check defs") as caught:
        Location.load(build)
    assert caught.value.__cause__ is not None


def test_a_code_location_of_somebody_elses_has_no_store():
    with pytest.raises(ConfigError, match="no resource 'store'"):
        Location(dg.Definitions()).store()


def test_an_unknown_pipeline_lists_the_known_ones():
    @dg.job
    def nightly(): ...

    location = Location(dg.Definitions(jobs=[nightly]))
    assert location.job("nightly").name == "nightly"
    with pytest.raises(UnknownNameError, match="Known: nightly"):
        location.job("daily")


def test_the_projects_own_location_has_its_connectors_and_datasets():
    location = Location.load()
    assert {"lake", "landing", "warehouse"} <= set(location.connectors())
    assert {"flights", "predicted_delays", "airline_delays"} <= set(location.datasets())
    assert location.job("flight_delays").name == "flight_delays"
