"""The benchmark of media runs, and its images take what it promises."""

from benchmarks.media import pictures, run, within


def test_each_image_is_looked_at_and_little_of_it_is_read():
    told = run(within(pictures(), 0), 50, 4)
    assert told["ranges an image"] <= 2  # the head, and the end that says whether it is whole
    assert told["KB an image"] <= 64
