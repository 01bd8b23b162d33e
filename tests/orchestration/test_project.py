"""Names of the code location, and what is said when it does not load."""

import dagster as dg
import pydantic
import pytest

from orchestration.location import Location
from orchestration.project import load
from resources.kernel.errors import ConfigError, UnknownNameError
from resources.references import check_asset_references
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
        load(build)


LAKE = "type: resources.FolderConnector\nattributes: {name: lake, root: lake}\n---\n"
DATASOURCE = "type: assets.Datasource\nattributes:\n  name: orders\n  connector: lake\n"
TRANSFORM = "type: assets.SqlTransform\nattributes: {name: t, sql: "


@pytest.mark.parametrize(
    ("yaml", "text"),
    [
        (
            DATASOURCE + '  path: "*.csv"\n  observe: daily\n',
            r"defs\.yaml:\d+: observe: 'daily' is not a cron",
        ),
        (TRANSFORM + '"selec 1 from orders where ("}', r"transform t: the SQL cannot be read"),
        (
            DATASOURCE + '  path: "*.csv"\n  options: {bogus: 1}\n',
            r"defs\.yaml:\d+: data source 'orders': options: .*bogus",
        ),
        (
            DATASOURCE + "  pasword: canary-7391\n",
            r"defs\.yaml:8: unknown field 'pasword'\. .*Known: name, ",
        ),
        (
            DATASOURCE + "  path: [a\n  b: canary-7391: d\n",
            r"defs\.yaml:\d+: this is no YAML: did not find expected ','",
        ),
        (
            DATASOURCE + "  path: *canary-7391\n",
            r"defs\.yaml:8: this is no YAML: found undefined alias",
        ),
    ],
    ids=["cron", "sql", "option", "misspelt field", "yaml", "yaml alias"],
)
def test_what_yaml_says_wrong_is_one_line_with_its_place_and_no_value(yaml, text):
    def build():
        with project(LAKE + yaml) as definitions:
            return definitions

    with pytest.raises(ConfigError, match=text) as caught:
        load(build)
    message = str(caught.value)
    assert message.isprintable()
    assert "canary" not in message


def test_a_validators_own_text_may_repeat_the_value_and_is_left_out():
    class Settings(pydantic.BaseModel):
        port: int

        @pydantic.field_validator("port", mode="before")
        @classmethod
        def parse(cls, value):
            return int(value)

    def build():
        Settings(port="canary-7391")

    with pytest.raises(ConfigError, match="port: value error") as caught:
        load(build)
    assert "canary" not in str(caught.value)


def test_the_outermost_error_raised_on_purpose_is_told():
    def build():
        try:
            try:
                raise ConfigError("options: wrong")
            except ConfigError as error:
                raise ConfigError("defs.yaml:5: options: wrong") from error
        except ConfigError as error:
            raise RuntimeError("Dagster's tree") from error

    with pytest.raises(ConfigError, match=r"^defs\.yaml:5: options"):
        load(build)


@pytest.mark.parametrize(
    "error", [NameError("x"), ImportError("no module named x"), SystemError("x")]
)
def test_an_error_of_users_python_is_one_line(error):
    def build():
        raise dg.DagsterInvalidDefinitionError("wrapped") from error

    with pytest.raises(ConfigError, match=f"{type(error).__name__}: .*x.*dg check defs") as caught:
        load(build)
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


def test_datasets_are_named_by_all_of_their_key_behind_the_noun():
    specs = [dg.AssetSpec(key) for key in (["datasets", "sub", "x"], ["datasets"], ["models", "m"])]
    found = Location(dg.Definitions(assets=specs)).datasets()
    assert {name: spec.key.path for name, spec in found.items()} == {
        "sub/x": ["datasets", "sub", "x"]
    }


def test_what_an_asset_is_says_its_tag_before_its_key():
    @dg.asset(key=["datasets", "x"])
    def written(): ...

    @dg.asset(key=["datasets", "x", "profile"], tags={"waybill/noun": "profile"})
    def profiled(): ...

    elsewhere = dg.AssetSpec(["sales", "y"], tags={"waybill/noun": "dataset"})
    location = Location(dg.Definitions(assets=[written, profiled, elsewhere]))
    assert set(location.datasets()) == {"x", "y"}
    assert location.nouns() == {
        ("datasets", "x"): "dataset",
        ("datasets", "x", "profile"): "profile",
        ("sales", "y"): "dataset",
    }
    bare = [dg.AssetSpec(["datasets", *path]) for path in (["x"], ["x", "profile"], ["sub", "y"])]
    assert set(Location(dg.Definitions(assets=bare)).datasets()) == {"x", "sub/y"}
    reader = dg.AssetSpec(["datasets", "z"], deps=[dg.AssetKey(["datasets", "w"])])
    with pytest.raises(UnknownNameError) as caught:
        check_asset_references(dg.Definitions(assets=[written, profiled, reader]))
    assert "Known: x, z" in str(caught.value)


def test_the_projects_own_location_has_its_connectors_and_datasets():
    location = load()
    assert {"lake", "landing", "warehouse"} <= set(location.connectors())
    assert {"flights", "predicted_delays", "airline_delays"} <= set(location.datasets())
    assert location.job("flight_delays").name == "flight_delays"
