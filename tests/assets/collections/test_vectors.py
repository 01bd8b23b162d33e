"""Vectors of items as an embedding: to the bit, by item and frame, of one version of the collection, once."""

import json

import dagster as dg
import numpy as np
import pytest

from assets.collections import vectors
from orchestration.location import Location
from orchestration.services.collections.import_runs import ImportChoice, import_specification
from orchestration.services.embedding_entries import embedding_entries
from orchestration.services.embeddings import list_embeddings
from orchestration.services.home import open_home
from orchestration.services.runs.launch import compute_embedding
from orchestration.services.runs.start import Asked
from orchestration.services.runs.workplace import Workplace
from resources.kernel.errors import ConfigError
from tests.faults import Child
from tests.project import project

YAML = """
type: assets.MetadataSchema
attributes:
  name: site
  keys:
    - {name: my-vec, type: embedding, size: 3}
    - {name: small, type: embedding, size: 1}
    - {name: lux, type: number}
---
type: assets.Collection
attributes: {name: photos, metadata_schema: site, probe: never, embeddings: {small: tiny}}
---
type: assets.Collection
attributes: {name: plain, probe: never}
"""
KEY = ("embeddings", "photos_my_vec")


@pytest.fixture(scope="module")
def definitions():
    with project(YAML) as found:
        yield found


@pytest.fixture
def place(definitions, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield Workplace(open_home(), Location(definitions), instance, Asked("ann"))


def take(place, tmp_path, collection="photos", **sections):
    path = tmp_path / "spec.json"
    flags = {"skip_duplicate_urls": True, "upsert_metadata": True}
    path.write_text(json.dumps({**flags, **sections}))
    return import_specification(place, collection, path, ImportChoice(), lambda _: None)


def image(name, **metadata):
    return {"objectUrl": f"s3://b/{name}", "clientMetadata": metadata}


def video(name, mode, **frames):
    reserved = {"config": {"keyframe_mode": mode}, "frames": frames}
    return {"objectUrl": f"s3://b/{name}", "clientMetadata": {"$encord": reserved}}


def stored(place, key=KEY):
    return place.location.store().read(key)


def versions(place, key=KEY):
    return [one.number for one in place.location.store().item(key).versions()]


def test_each_vector_by_its_item_and_frame_to_the_bit(place, tmp_path):
    exact = [0.1, -1e-45, 3.4e38]
    frames = {"13": {"my-vec": [1, 2, 3]}, "17": {"lux": 1}}
    group = {
        "title": "g",
        "objectUrl_0": "s3://b/g0",
        "objectUrl_1": "s3://b/g1",
        "clientMetadata": {"my-vec": [7, 8, 9]},
    }
    done = take(
        place,
        tmp_path,
        images=[image("a", **{"my-vec": exact, "small": [0.5]}), image("b", lux=1)],
        videos=[
            video("v", "frame", **frames),
            video("w", "seconds", **{"12.5": {"my-vec": [4, 5, 6]}}),
        ],
        image_groups=[group],
    )
    assert done.state == "completed"
    items = place.location.store().read(("datasets", "photos")).to_table(["id", "title"])
    ids = {row["title"]: row["id"] for row in items.to_pylist()}
    table = stored(place).to_table()
    rows = {
        (row["item"], row["frame"], row["second"]): np.array(row["vector"], "f4").tobytes()
        for row in table.to_pylist()
    }
    assert rows == {
        (ids["/a"], None, None): np.array(exact, "f4").tobytes(),
        (ids["/v"], 13, None): np.array([1, 2, 3], "f4").tobytes(),
        (ids["/w"], None, 12.5): np.array([4, 5, 6], "f4").tobytes(),
        (ids["g"], None, None): np.array([7, 8, 9], "f4").tobytes(),
    }
    assert table.column("row_number").to_pylist() == [0, 1, 2, 3]
    found = stored(place).version.properties
    assert (found["inputs"], found["dimension"], found["of_frames"]) == ({"photos": 1}, 3, 2)
    assert stored(place, ("embeddings", "tiny")).to_table().column("vector").to_pylist() == [[0.5]]
    listed = list_embeddings(embedding_entries(place.location), place.location.store())
    assert [(e.name, e.origin, e.metadata_key, e.vectors, e.inputs) for e in listed] == [
        ("photos_my_vec", "collection", "my-vec", 4, {"photos": 1}),
        ("tiny", "collection", "small", 1, {"photos": 1}),
    ]
    spec = place.location.maker("photos_my_vec", "embedding")
    assert [dep.asset_key.to_user_string() for dep in spec.deps] == ["datasets/photos"]


def test_a_version_comes_only_when_a_vector_changed(place, tmp_path):
    first = [image("a", **{"my-vec": [1, 2, 3]})]
    take(place, tmp_path, images=first)
    take(place, tmp_path, images=first)
    assert versions(place) == [1]
    take(place, tmp_path, images=[*first, image("b", lux=3)])
    assert versions(place) == [1]
    assert len(versions(place, ("datasets", "photos"))) > 1
    take(place, tmp_path, images=[image("a", **{"my-vec": [1, 2, 4]})])
    assert stored(place).version.number == 2
    assert stored(place).to_table().column("vector").to_pylist() == [[1, 2, 4]]


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("[1, 2]", "embedding_size_mismatch"),
        ("[1, NaN, 2]", "json_syntax"),
        ("[1, 3.5e38, 2]", "embedding_not_numeric"),
        ('[1, "2", 3]', "embedding_not_numeric"),
        ("[1, true, 3]", "embedding_not_numeric"),
    ],
)
def test_what_is_no_vector_is_refused_at_import(place, tmp_path, value, rule):
    path = tmp_path / "bad.json"
    item = f'{{"objectUrl": "s3://b/a", "clientMetadata": {{"my-vec": {value}}}}}'
    path.write_text(f'{{"images": [{item}]}}')
    done = import_specification(place, "photos", path, ImportChoice(), lambda _: None)
    assert done.state == "failed"
    assert rule in done.message
    assert versions(place) == []


def test_killed_between_the_two_versions_the_rest_is_made_when_it_is_tried_again(
    place, tmp_path, monkeypatch
):
    publish = vectors.publish_vectors

    def die():
        import os
        import signal

        monkeypatch.setattr(
            vectors, "publish_vectors", lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
        )
        take(place, tmp_path, images=[image("a", **{"my-vec": [1, 2, 3]})])

    assert Child(die).wait().killed
    assert (versions(place, ("datasets", "photos")), versions(place)) == ([1], [])
    monkeypatch.setattr(vectors, "publish_vectors", publish)
    asked, home = Asked("ann"), place.home
    done = compute_embedding(
        home, place.location, place.instance, "photos_my_vec", asked, lambda _: None
    )
    assert done.ok
    assert stored(place).to_table().column("vector").to_pylist() == [[1, 2, 3]]


def test_no_key_no_embedding_and_names_that_clash(place):
    names = {name for key in place.location.nouns() if key[0] == "embeddings" for name in key[1:]}
    assert names == {"photos_my_vec", "tiny"}
    clash = YAML.replace("small: tiny", "small: photos_my_vec")
    with pytest.raises(ConfigError, match="both called 'photos_my_vec'"), project(clash):
        pass
    with (
        pytest.raises(ConfigError, match="declares no embedding 'lux'"),
        project(YAML.replace("small: tiny", "lux: tiny")),
    ):
        pass
