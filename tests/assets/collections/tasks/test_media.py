"""Pictures by a task: probed as by a specification, known again by their URL and their bytes."""

import io
import wave

from PIL import Image

from tests.resources.media import media_files as make


def png(width: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, 8)).save(out, "PNG")
    return out.getvalue()


def test_each_file_has_its_own_result(bench):
    source = bench.uploads(
        **{"a.PNG": png(9), "text.png": b"no picture", "b.png": b"", "c.xyz": b"x", "d.mp3": b"ID3"}
    )
    done = bench.run(source, into="photos")
    assert not done.reason, done.reason
    assert (done.state, done.done, done.failed) == ("completed", 1, 4)
    rules = {item.name: item.rule for item in bench.items(done.id, state="failed")}
    assert rules == {
        "text.png": "type_mismatch",
        "b.png": "empty",
        "c.xyz": "format_not_taken",
        "d.mp3": "type_not_taken",
    }
    [row] = bench.rows("photos")
    assert (row["urls"], row["media_width"], row["state"]) == (["upload:/a.PNG"], 9, "ready")
    assert len(row["objects"]) == 1  # an upload lies nowhere else


def wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as opened:
        opened.setparams((1, 2, 8000, 0, "NONE", ""))
        opened.writeframes(bytes(1600))
    return out.getvalue()


def test_a_file_of_another_format_than_its_ending_says_is_refused(bench):
    done = bench.run(
        bench.uploads(
            **{"photo.jpg": png(9), "photo.png": png(8), "s.mp3": wav(), "s.WAV": wav() + b"\0"}
        )
    )
    failed = {item.name: (item.rule, item.message) for item in bench.items(done.id, state="failed")}
    assert failed == {
        "photo.jpg": (
            "type_mismatch",
            "Its ending says JPEG picture, and it is a file of type image/png",
        ),
        "s.mp3": (
            "type_mismatch",
            "Its ending says MP3 sound, and it is a file of type audio/wav",
        ),
    }
    assert done.created == 2


def test_sound_and_video_are_probed_and_what_only_says_it_is_one_is_told(bench):
    mp3, mp4 = make.sound("mp3", 1.0), make.video("mp4")
    files = {
        "talk.mp3": mp3, "talk.WAV": make.sound("wav", 0.5), "talk.m4a": make.sound("ipod", 0.5),
        "clip.mp4": mp4, "clip.MOV": make.video("mov"), "clip.mpv": make.video("mpegts"),
        "clip.webm": make.video("webm"), "text.mp3": b"no sound", "text.mp4": b"no video",
        "sound.mp4": mp3, "video.mp3": mp4, "half.mp4": mp4[:200], "mute.mpv": make.png_of(9, 9),
    }  # fmt: skip
    done = bench.run(bench.uploads(**files))
    failed = {item.name: item.message for item in bench.items(done.id, state="failed")}
    assert set(failed) == {
        *("text.mp3", "text.mp4", "sound.mp4", "video.mp3", "half.mp4", "mute.mpv")
    }
    assert all(failed.values())
    rows = {row["title"]: row for row in bench.rows("docs")}
    assert set(rows) == set(files) - set(failed)
    assert {name: row["type"] for name, row in rows.items()} == {
        **dict.fromkeys(("talk.mp3", "talk.WAV", "talk.m4a"), "audio"),
        **dict.fromkeys(("clip.mp4", "clip.MOV", "clip.mpv", "clip.webm"), "video"),
    }
    assert round(rows["talk.mp3"]["media_duration"], 1) == 1.0
    assert (rows["clip.mp4"]["media_width"], rows["clip.mp4"]["media_height"]) == (64, 48)


def test_an_unchanged_place_is_not_read_again(bench):
    for number in range(5):
        bench.put(f"in/{number}.png", png(10 + number))
    first = bench.run("in/*.png", into="photos")
    assert (first.created, first.done) == (5, 5)
    bench.put("in/2.png", png(99))
    bench.put("in/new.png", png(50))
    bench.put("in/copy.png", png(10))
    second = bench.run("in/*.png", into="photos")
    counts = (second.created, second.updated, second.unchanged, second.duplicates)
    assert (second.state, counts) == ("completed", (1, 1, 4, 1))
    [copy] = [item for item in bench.items(second.id) if item.outcome == "duplicate"]
    assert "in/0.png" in copy.message
    widths = {row["title"]: row["media_width"] for row in bench.rows("photos")}
    assert widths == {
        "0.png": 10,
        "1.png": 11,
        "2.png": 99,
        "3.png": 13,
        "4.png": 14,
        "new.png": 50,
    }
    third = bench.run("in/*.png", into="photos", on_duplicate="new_version")
    assert (third.created, third.unchanged) == (1, 6)
