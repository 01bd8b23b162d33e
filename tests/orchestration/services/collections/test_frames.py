"""Frames of videos read out: by the sampling asked for, or that of the item; whole folders; one clear error; over HTTP."""

import csv
import io
import json
import os
import signal

import dagster as dg
import pytest
from PIL import Image
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from orchestration.services.collections import frames as frames_module
from orchestration.services.collections.import_runs import ImportChoice, import_specification
from orchestration.services.home import open_home
from orchestration.services.runs.start import Asked
from orchestration.services.runs.workplace import Workplace
from tests.faults import Child
from tests.project import project
from tests.resources.media import media_files as make
from tests.served import served

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Collection
attributes: {name: clips, connectors: [lake], probe: never}
---
type: assets.Collection
attributes: {name: kept, connectors: [lake], keep_copies: true}
"""
FILES = {
    "a.mp4": make.video("mp4", frames=30, rate=10),
    "bad.mp4": make.video("mp4", frames=30, rate=10)[:900],
    "b.png": make.image(),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with served(tmp_path_factory.mktemp("shop"), {"clips/defs.yaml": YAML}) as found:
        yield found


@pytest.fixture(scope="module")
def clips(shop):
    """Items 1 to 3 of `clips`: a video with key frames, one that is cut off, an image; item 4 of `kept`: the video."""
    lake = shop.home.root / "lake"
    lake.mkdir()
    for name, data in FILES.items():
        (lake / name).write_bytes(data)
    with pytest.MonkeyPatch.context() as patch, project(YAML) as definitions:
        patch.setenv("WAYBILL_HOME", str(shop.home.root))
        patch.delenv("DAGSTER_HOME", raising=False)
        with dg.DagsterInstance.from_config(str(shop.home.dagster)) as instance:
            place = Workplace(open_home(), Location(definitions), instance, Asked("ann"))
            told = {"config": {"sampling_rate": 0}, "frames": {"13": {"blur": 0.2}, "17": {}}}
            video = {"objectUrl": f"file://{lake}/a.mp4", "clientMetadata": {"$waybill": told}}
            images = [{"objectUrl": f"file://{lake}/b.png"}]
            videos = [video, {"objectUrl": f"file://{lake}/bad.mp4"}]
            take(place, lake, "clips", videos=videos, images=images)
            take(place, lake, "kept", videos=[{"objectUrl": f"file://{lake}/a.mp4"}])

            def command(*arguments, code=0):
                context = CommandContext(place.location, instance)
                result = CliRunner().invoke(app, ["collection", "frames", *arguments], obj=context)
                assert result.exit_code == code, (result.output, result.exception)
                return result.output

            yield command


def take(place, folder, collection, **sections):
    path = folder / f"{collection}.json"
    path.write_text(json.dumps(sections))
    done = import_specification(place, collection, path, ImportChoice(), lambda _: None)
    assert done.state == "completed", done.message


def listed(folder):
    return [(int(row["frame"]), row["is_keyframe"]) for row in rows(folder)]


def rows(folder):
    with (folder / "frames.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_frames_as_the_item_says_or_as_is_asked_for(clips, tmp_path):
    """F103: at rate 0 the first frame and the key frames only."""
    own = tmp_path / "own"
    told = json.loads(clips("clips", "1", "-o", str(own), "--json"))
    assert (told["frames"], told["keyframes"], told["sampling_rate"]) == (3, 2, 0)
    assert listed(own) == [(0, "false"), (13, "true"), (17, "true")]
    files = sorted(path.name for path in own.glob("*.jpg"))
    assert files == [row["file"] for row in rows(own)] == ["frame-00000000.jpg", "frame-00000013.jpg", "frame-00000017.jpg"]  # fmt: skip
    shade = Image.open(own / "frame-00000013.jpg").convert("L").getpixel((30, 20))
    assert abs(shade - 130) < 12
    asked = tmp_path / "asked"
    clips("clips", "1", "-o", str(asked), "--rate", "2", "--format", "png")
    assert [n for n, _ in listed(asked)] == [0, 5, 10, 13, 15, 17, 20, 25]
    assert float(rows(asked)[1]["seconds"]) == 0.5
    assert len(list(asked.glob("*.png"))) == 8
    kept = tmp_path / "kept"
    clips("kept", "4", "-o", str(kept))
    assert [n for n, _ in listed(kept)] == [0, 10, 20]
    clips("clips", "1", "-o", str(asked), code=1)  # it is there already


def test_a_bad_video_is_one_error_and_leaves_nothing(clips, tmp_path):
    told = clips("clips", "2", "-o", str(tmp_path / "bad"), code=1)
    assert "item 2 of clips" in told
    assert "object_unreadable" in told
    assert "of type image" in clips("clips", "3", "-o", str(tmp_path / "x"), code=1)
    assert "sampling rate" in clips(
        "clips", "1", "-o", str(tmp_path / "x"), "--rate", "5000", code=1
    )
    clips("clips", "99", "-o", str(tmp_path / "x"), code=2)
    assert list(tmp_path.iterdir()) == []


def test_killed_while_it_writes_the_folder_is_not_there_and_what_is_left_goes(
    clips, tmp_path, monkeypatch
):
    target = tmp_path / "frames"
    take_frame = frames_module._frame

    def deadly(picture):
        if picture.number == 17:
            os.kill(os.getpid(), signal.SIGKILL)
        return take_frame(picture)

    def die():
        monkeypatch.setattr(frames_module, "_frame", deadly)
        clips("clips", "1", "-o", str(target))

    assert Child(die).wait().killed
    assert not target.exists()
    assert len(list(tmp_path.iterdir())) == 1
    clips("clips", "1", "-o", str(target))
    assert list(tmp_path.iterdir()) == [target]
    assert len(listed(target)) == 3


def test_a_list_of_frames_and_one_as_an_image_over_http(shop, clips):
    assert clips is not None
    with shop.client() as client:
        base = f"{shop.api}/collections/clips/items/1/frames"
        own = client.get(base).json()
        assert [(f["frame"], f["seconds"], f["is_keyframe"]) for f in own["frames"]] == [
            (0, 0, False), (13, 1.3, True), (17, 1.7, True),
        ]  # fmt: skip
        page = client.get(base, params={"sampling_rate": 10, "start": 5, "limit": 4}).json()
        assert ([f["frame"] for f in page["frames"]], page["next"]) == ([5, 6, 7, 8], 9)
        answer = client.get(f"{base}/20", params={"form": "png"})
        picture = Image.open(io.BytesIO(answer.content))
        assert (answer.headers["content-type"], answer.headers["waybill-seconds"]) == (
            "image/png",
            "2",
        )
        assert picture.size == (64, 48)
        assert abs(picture.convert("L").getpixel((30, 20)) - 200) < 12
        assert client.get(f"{base}/30").status_code == 404
        bad = client.get(f"{shop.api}/collections/clips/items/2/frames")
        assert bad.status_code == 422
        assert "item 2 of clips" in bad.json()["detail"]
        assert client.get(f"{shop.api}/collections/clips/items/3/frames/0").status_code == 422
        assert client.get(f"{shop.api}/collections/kept/items/4/frames").json()["next"] is None
