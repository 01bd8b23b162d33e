"""Encoders by name."""

import pyarrow as pa
import pytest

from assets.embeddings.encoders.encoder import EmbeddingSpec
from assets.embeddings.encoders.registry import ENCODERS, find_encoder
from resources.kernel.errors import UnknownNameError
from tests.assets.memory_table import MemoryTable, collect


@pytest.mark.parametrize("name", ENCODERS)
def test_each_encoder_gives_every_row_a_vector_and_says_how(name):
    table = pa.table({"size": [1.0, 2.0, 4.0, 8.0], "kind": ["a", "b", "a", "b"]})
    source = MemoryTable(table, 2)
    fitted = find_encoder(name, where="embedding 'x'")(source, EmbeddingSpec("x"))
    rows = collect(fitted.embed(source))
    assert rows["row_number"].to_pylist() == [0, 1, 2, 3]
    assert {len(vector) for vector in rows["vector"].to_pylist()} == {
        fitted.properties()["dimension"]
    }
    assert fitted.properties()["method"]


def test_an_unknown_encoder_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"embedding 'x'.*tabluar.*tabular"):
        find_encoder("tabluar", where="embedding 'x'")
