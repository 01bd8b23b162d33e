"""The collector of cycles while definitions are made: quieter inside, the same as before after it."""

from __future__ import annotations

import gc

import pytest

from resources.kernel.garbage import no_full_collections


@pytest.fixture(autouse=True)
def _thresholds():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


class _Cycle:
    def __init__(self) -> None:
        self.me = self


def test_new_cycles_are_found_inside_and_the_old_generation_is_left_alone():
    seen: list[int] = []

    def _note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            seen.append(info["generation"])

    with no_full_collections():
        gc.callbacks.append(_note)
        try:
            kept = [[_Cycle()] for _ in range(400_000)]
        finally:
            gc.callbacks.remove(_note)
    assert len(kept) == 400_000
    assert {0, 1} <= set(seen)
    assert 2 not in seen


@pytest.mark.parametrize("given", [(700, 10, 10), (50_000, 20, 5), (0, 10, 10)])
def test_it_is_afterwards_as_it_was_even_when_loading_raises(given):
    gc.set_threshold(*given)
    inside: list[tuple[int, int, int]] = []

    def _load() -> None:
        with no_full_collections():
            with no_full_collections():
                inside.append(gc.get_threshold())
            inside.append(gc.get_threshold())
            raise ValueError("no YAML")

    with pytest.raises(ValueError, match="no YAML"):
        _load()
    assert gc.get_threshold() == given
    assert inside[0] == inside[1]
    assert inside[0][0] in (0, max(given[0], 10_000))


def test_a_collector_that_was_switched_off_stays_off():
    gc.disable()
    try:
        with no_full_collections():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
