"""The benchmark of documents runs, and text of every layout is whole, once and in order."""

from __future__ import annotations

import shutil

import pytest

from benchmarks.document_layouts import CHROMIUM, Known, Score, score
from benchmarks.documents import quality


@pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason="prints documents with Chromium")
def test_each_sentence_is_read_once_and_in_order_and_tables_as_rows(tmp_path):
    found = quality(tmp_path)["Waybill"]
    assert len(found) == 8
    for layout, one in found.items():
        assert one == Score(1.0, 1.0, 1.0 if "table" in layout else None), layout


def test_a_score_tells_what_is_missing_doubled_mixed_up_and_flat(tmp_path):
    known = Known(["One.", "Two.", "Three.", "Four."], [["a", "b"], ["1", "2"]], tmp_path)
    assert score(known, "One. Three. Two. Two.\n\n| a | b |\n| --- | --- |\n1 2") == Score(
        0.5, 1.0, 0.5
    )
    assert score(known, "Two. One. Three. Four.").in_order == 0.75
