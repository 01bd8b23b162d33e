"""Text of strangers in messages of ours."""

from __future__ import annotations

import pytest

from resources.kernel.foreign_text import one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        (" two\r\n lines\t\0", "two lines"),
        ("\x1b[31mred\u202e", "[31mred"),
        ("x" * 20, "x" * 20),
        ("x" * 21, "x" * 19 + "…"),
        (" " * 1_000_000 + "far away", ""),
    ],
)
def test_it_is_one_short_line_of_what_can_be_printed(text, shown):
    assert one_line(text, 20) == shown
