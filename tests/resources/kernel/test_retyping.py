"""Streams are read anew until their types hold, and not for ever."""

import pytest

from resources.kernel.errors import InputError
from resources.kernel.records import Retype
from resources.kernel.retyping import STREAMS, read_settled


def test_the_first_stream_that_holds_counts():
    types = iter(["int64", "double", "string"])

    def read() -> str:
        if (kind := next(types)) != "string":
            raise Retype({"a": kind})
        return kind

    assert read_settled(read, what="the source") == "string"


def test_a_source_that_never_settles_is_an_error_with_its_last_change():
    calls = []

    def read() -> None:
        calls.append(1)
        raise Retype({"c": "text"})

    with pytest.raises(InputError, match="the source changed its types 10 times, last c -> text"):
        read_settled(read, what="the source")
    assert len(calls) == STREAMS
