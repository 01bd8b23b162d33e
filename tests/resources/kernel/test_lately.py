"""What was read lately: found again, the longest unasked for goes first, and no more is kept than there is room for."""

from __future__ import annotations

from resources.kernel.lately import Lately


def test_what_was_asked_for_last_stays() -> None:
    lately: Lately[str] = Lately(3, len)
    lately.keep("a", "x")
    lately.keep("b", "y")
    assert lately.find("a") == "x"
    lately.keep("c", "zz")
    assert (lately.find("a"), lately.find("b"), lately.find("c")) == ("x", None, "zz")


def test_what_is_larger_than_the_room_is_not_kept() -> None:
    lately: Lately[str] = Lately(3, len)
    lately.keep("a", "four")
    assert lately.find("a") is None


def test_nothing_is_found_once_it_is_forgotten() -> None:
    lately: Lately[str] = Lately(3, len)
    lately.keep("a", "x")
    lately.forget()
    assert lately.find("a") is None
