"""A set in runs: files taken once, rejected whole, undone, read as a dataset by SQL and exporters (F112, F132, F137)."""

import sqlite3

import dagster as dg
import pytest

from assets.classifications import applying, publishing
from assets.classifications.applying import FileOrder, RejectedFileError, apply_file, undo
from assets.classifications.publishing import publish
from assets.classifications.schema import ParseOptions
from resources.home import store_url
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.manifest_log import ManifestLog
from resources.stores.tables import TableStore
from tests.faults import Child, count_steps, kill_at
from tests.project import materialize

FIRST = 'Key,Brand,Size,Tags\nsku-1,Cedar,1,"a,b"\nsku-2,Oak,2,\nsku-2,Ash,,\n'
SECOND = "Key,Brand,Size\nsku-1,~empty~,\nsku-2,,~deletekey~\nsku-3,Cedar,3\n"
BAD = "Key,Brand,Size\nsku-1,Pine,1\nsku-2,Pine,x\n,Pine,1\n"
DATASET = ("datasets", "products")


def dataset(version=None):
    found = TableStore.open(store_url()).read(DATASET, version)
    return {row.pop("Key"): tuple(row.values()) for row in found.to_table().to_pylist()}


def facts_of(result):
    [event] = result.asset_materializations_for_node("datasets__products")
    return {name: value.value for name, value in event.metadata.items()}


def error_of(result):
    [failure] = [e for e in result.all_events if e.event_type == dg.DagsterEventType.STEP_FAILURE]
    return failure.event_specific_data.user_failure_data


def test_a_file_becomes_a_materialization_that_tells_of_it(take, catalog):
    found = facts_of(take.upload(FIRST))
    assert (found["file"], found["author"], found["set version"], found["version"]) == (
        "a.csv",
        "ada",
        1,
        1,
    )
    assert (found["keys new"], found["keys updated"], found["keys deleted"]) == (2, 0, 0)
    assert (found["lines"], found["modified lines"], found["lines without effect"]) == (3, 2, 1)
    assert "superseded" in found["first warnings"]
    assert [c.description for c in found["dagster/column_schema"].columns][1] == "Who made it"
    assert dataset() == {"sku-1": ("Cedar", 1, ["a", "b"]), "sku-2": ("Ash", None, None)}

    found = facts_of(take.upload(SECOND, "b.csv"))
    assert (found["keys new"], found["keys cleared"], found["keys deleted"]) == (1, 1, 1)
    assert dataset() == {"sku-1": (None, 1, ["a", "b"]), "sku-3": ("Cedar", 3, None)}
    assert [(e.facts.name, e.version) for e in catalog.history("products")] == [
        ("b.csv", 2),
        ("a.csv", 1),
    ]


def test_a_rejected_file_fails_its_run_with_the_first_errors_and_changes_nothing(take, catalog):
    take.upload(FIRST)
    before = dataset()
    result = take.upload(BAD, "bad.csv")
    assert not result.success
    failure = error_of(result)
    assert "2 errors" in failure.description
    assert "row 3, column Size: value_type_invalid; row 4: key_empty" in failure.description
    assert len(failure.description) <= 500
    assert failure.metadata["retry helps"].value is False
    assert dataset() == before
    assert catalog.find("products").version == 1
    entry = catalog.history("products")[0]
    assert (entry.outcome, entry.version, entry.facts.counts) == ("rejected", 1, {"errors": 2})
    assert [e["row"] for e in entry.facts.details["errors"]] == [3, 4]


def test_a_retry_stands_for_the_run_that_it_tries_again(take, instance, catalog):
    first = take.upload(FIRST)
    tags = {"dagster/parent_run_id": first.run_id, "dagster/retry_number": "1"}
    again = take.upload(FIRST, tags=tags)
    assert again.success
    assert len(catalog.history("products")) == 1
    assert catalog.find("products").version == 1
    anew = take.upload(FIRST, tags={"dagster/parent_run_id": first.run_id})
    assert [e.facts.run_id for e in catalog.history("products")] == [anew.run_id, first.run_id]


def test_a_file_without_effect_makes_no_version_of_the_dataset(take, catalog):
    take.upload(FIRST)
    found = facts_of(take.upload(FIRST, "again.csv"))
    assert (found["version"], found["set version"], found["lines without effect"]) == (1, 1, 3)
    assert catalog.history("products")[0].facts.counts["modified_lines"] == 0


def test_an_undo_is_a_run_and_a_new_version(take, catalog):
    take.upload(FIRST)
    take.upload(SECOND)
    found = facts_of(take(undo_to=1, author="bob"))
    assert (found["file"], found["author"], found["set version"]) == ("back to version 1", "bob", 3)
    assert (found["keys new"], found["keys updated"], found["keys deleted"]) == (1, 1, 1)
    assert dataset() == dataset(1) != dataset(2)
    facts_of(take(undo_to=0))
    assert dataset() == {}
    facts_of(take(undo_to=2))
    assert dataset() == dataset(2)
    assert "versions 0 to 4" in error_of(take(undo_to=77)).description
    assert [e.facts.kind for e in catalog.history("products")][:3] == ["undo"] * 3


def test_a_run_without_an_order_publishes_what_holds(take, definitions, instance):
    assert facts_of(take())["dagster/row_count"] == 0
    take.upload(FIRST)
    assert facts_of(take())["version"] == 2


def test_two_orders_at_once_and_an_object_of_nowhere_are_refused(take):
    assert "one thing" in error_of(take(undo_to=1, upload="a" * 64)).description
    assert "is not in" in error_of(take(upload="a" * 64, file_name="a.csv")).description
    assert "in/none.csv" in error_of(take(object_key="in/none.csv")).description
    assert "utf16" in error_of(take.upload(FIRST, encoding="utf16")).description


def test_sql_exporters_and_pipelines_read_the_set(take, definitions, instance, home):
    take.upload(FIRST)
    result = definitions.resolve_job_def("nightly").execute_in_process(instance=instance)
    assert result.success
    store = TableStore.open(store_url())
    brands = store.read(("datasets", "brands")).to_table().to_pylist()
    assert brands == [{"brand": "Ash", "n": 1}, {"brand": "Cedar", "n": 1}]
    with sqlite3.connect(home / "warehouse.sqlite") as db:
        assert db.execute('SELECT "Key", "Brand" FROM products ORDER BY 1').fetchall() == [
            ("sku-1", "Cedar"),
            ("sku-2", "Ash"),
        ]
    graph = definitions.resolve_asset_graph()
    set_key = dg.AssetKey(["datasets", "products"])
    assert graph.get(set_key).child_keys == {
        dg.AssetKey(["datasets", "brands"]),
        dg.AssetKey(["exports", "out"]),
    }
    _profile, event = result.asset_materializations_for_node(
        "datasets__brands"
    )  # its profile is before it
    lineage = event.metadata["dagster/column_lineage"].value.deps_by_column["brand"]
    assert [(d.asset_key, d.column_name) for d in lineage] == [(set_key, "Brand")]


def test_what_depends_on_the_set_runs_when_it_changes_and_not_else(take, definitions, instance):
    take.upload(FIRST)
    materialize(definitions, "datasets/brands", instance=instance)
    first = dg.evaluate_automation_conditions(definitions, instance)
    take.upload(FIRST, "again.csv")
    second = dg.evaluate_automation_conditions(definitions, instance, cursor=first.cursor)
    assert second.total_requested == 0
    take.upload(SECOND)
    third = dg.evaluate_automation_conditions(definitions, instance, cursor=second.cursor)
    assert third.get_num_requested(dg.AssetKey(["datasets", "brands"])) == 1


def test_a_damaged_image_is_made_anew_from_the_catalog(take, home):
    take.upload(FIRST)
    [part] = (home / "store" / "datasets" / "products" / "data").glob("*/*.parquet")
    part.chmod(0o600)
    part.write_bytes(b"no parquet")
    assert take.upload("Key,Size\nsku-1,9\nsku-2,9\n").success
    assert dataset() == {"sku-1": ("Cedar", 9, ["a", "b"]), "sku-2": ("Ash", 9, None)}


@pytest.mark.postgres
def test_the_same_holds_with_a_catalog_on_postgresql(postgres_config, monkeypatch, take, home):
    """Read through the environment: a URL without a password, the password apart."""
    at = f"{postgres_config.host}:{postgres_config.port}/{postgres_config.database}"
    monkeypatch.setenv("WAYBILL_CATALOG_URL", f"postgresql://{postgres_config.username}@{at}")
    monkeypatch.setenv("WAYBILL_CATALOG_PASSWORD", postgres_config.password)
    catalog = ClassificationCatalog(CatalogDatabase.open())
    assert not catalog.database.is_sqlite
    take.upload(FIRST)
    assert not take.upload(BAD, "bad.csv").success
    take.upload(SECOND)
    assert dataset() == {"sku-1": (None, 1, ["a", "b"]), "sku-3": ("Cedar", 3, None)}
    facts_of(take(undo_to=1))
    assert dataset() == dataset(1)
    assert [e.outcome for e in catalog.history("products")] == [
        "applied",
        "applied",
        "rejected",
        "applied",
    ]
    assert not (home / "catalog.sqlite").exists()


# ---- without Dagster: kills and races ------------------------------------------------------------------------------


def order(run_id, name="a.csv"):
    return FileOrder(run_id, name, "0" * 64, 1, "ada", ParseOptions())


def run(spec, tmp_path, run_id, text, *, to=None):
    """What a run does, as plain calls."""
    catalog = ClassificationCatalog(CatalogDatabase.open())
    store = TableStore.open(store_url())
    path = tmp_path / f"{run_id}.csv"
    path.write_text(text)
    with catalog.lock(spec.name), path.open("rb") as stream:
        if to is None:
            done = apply_file(catalog, store, spec, stream, order(run_id))
        else:
            done = undo(catalog, store, spec, to, run_id=run_id, author="ada")
        publish(catalog, store, spec, run_id=run_id, rows=done.rows)


ALL_OF_FIRST = 'Key,Brand,Size,Tags\nsku-1,Cedar,1,"a,b"\nsku-2,Ash,2,\nsku-3,~deletekey~,,\n'

STEPS = [
    (applying, "parse"),
    (applying, "apply"),
    (ClassificationCatalog, "apply"),
    (ClassificationCatalog, "_advance"),
    (publishing, "_image_of"),
    (ManifestLog, "create"),
]


@pytest.mark.kill
@pytest.mark.parametrize("goes_back", [False, True], ids=["file", "undo"])
def test_killed_anywhere_set_and_dataset_are_old_or_new_and_the_retry_counts_once(
    spec, home, tmp_path, goes_back
):
    """Each round makes the set what it was, kills a run that changes it, and tries that run again."""
    catalog = ClassificationCatalog(CatalogDatabase.open())

    def prepare(round_):
        run(spec, tmp_path, f"first-{round_}", ALL_OF_FIRST)
        if goes_back:
            run(spec, tmp_path, f"second-{round_}", SECOND)
        return catalog.find("products").version

    def body(run_id, version):
        wanted = version - 1 if goes_back else None
        return lambda: run(spec, tmp_path, run_id, SECOND, to=wanted)

    version = prepare("counted")
    steps = count_steps(body("counted", version), STEPS)
    assert len(steps) > 5
    first = {"sku-1": ("Cedar", 1, ["a", "b"]), "sku-2": ("Ash", 2, None)}
    second = {"sku-1": (None, 1, ["a", "b"]), "sku-3": ("Cedar", 3, None)}
    for step in range(len(steps)):
        version = prepare(step)
        old, new = (second, first) if goes_back else (first, second)
        assert dataset() == old
        one = body(f"killed-{step}", version)
        assert kill_at(one, STEPS, step).killed
        assert dataset() in (old, new)
        assert catalog.find("products").version in (version, version + 1)
        one()
        assert dataset() == new
        assert catalog.find("products").version == version + 1
        assert [e.facts.run_id for e in catalog.history("products")].count(f"killed-{step}") == 1


def test_eight_files_at_once_are_taken_one_after_the_other(spec, home, tmp_path):
    def one(number):
        text = f"Key,Brand,Size\nshared,last-{number},\nown-{number},x,{number}\n"
        return lambda: run(spec, tmp_path, f"run-{number}", text)

    outcomes = [child.wait() for child in [Child(one(n)) for n in range(8)]]
    assert [outcome.status for outcome in outcomes] == [0] * 8
    catalog = ClassificationCatalog(CatalogDatabase.open())
    history = catalog.history("products")
    assert [e.version for e in history] == list(range(8, 0, -1))
    assert sum(e.facts.counts["new"] for e in history) == 9
    last = history[0].facts.run_id.removeprefix("run-")
    found = dataset()
    assert found["shared"] == (f"last-{last}", None, None)
    assert {key: row[1] for key, row in found.items() if key != "shared"} == {
        f"own-{n}": n for n in range(8)
    }


def test_a_rejected_run_stays_rejected(spec, home, tmp_path):
    for _ in range(2):
        with pytest.raises(RejectedFileError, match="2 errors"):
            run(spec, tmp_path, "bad", BAD)
    assert len(ClassificationCatalog(CatalogDatabase.open()).history("products")) == 1
