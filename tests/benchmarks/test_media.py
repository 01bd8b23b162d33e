"""The benchmark of media runs, and its images take what it promises."""

from benchmarks.media import DistantSource, run


def test_each_image_is_looked_at_once_and_little_of_it_is_read(monkeypatch):
    monkeypatch.setattr(DistantSource, "seconds", 0)
    told = run(50, 4)
    assert told["requests an image"] == 1
    assert told["KB an image"] <= 64
