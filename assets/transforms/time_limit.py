"""How long a query may run: a transform's, and any other of the sandbox."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from resources.kernel.errors import InputError, WaybillError

if TYPE_CHECKING:
    import duckdb

DEFAULT_SECONDS = 2 * 3600
_AGAIN_SECONDS = 0.05


@contextmanager
def time_limit(
    connection: duckdb.DuckDBPyConnection, seconds: float, *, name: str
) -> Iterator[None]:
    """Interrupts what a transform runs on `connection` once `seconds` have passed.

    Raises:
        InputError: they have: names the transform and its limit, whatever the interrupted call itself raised.
    """
    with interrupted_after(connection, seconds, _too_long(name, seconds)):
        yield


@contextmanager
def interrupted_after(
    connection: duckdb.DuckDBPyConnection, seconds: float, told: WaybillError
) -> Iterator[None]:
    """Interrupts what runs on `connection` once `seconds` have passed.

    Raises:
        WaybillError: they have: `told`, whatever the interrupted call itself raised.
    """
    done, passed = threading.Event(), threading.Event()
    watch = threading.Thread(target=_watch, args=(connection, seconds, done, passed), daemon=True)
    watch.start()
    try:
        yield
    except (
        Exception
    ) as error:  # DuckDB's own, `OSError: INTERRUPT` out of a stream, or what was made of it
        if passed.is_set():
            raise told from error
        raise
    finally:
        done.set()
        watch.join()
    if passed.is_set():
        raise told


def _watch(
    connection: duckdb.DuckDBPyConnection,
    seconds: float,
    done: threading.Event,
    passed: threading.Event,
) -> None:
    if done.wait(seconds):
        return
    passed.set()
    connection.interrupt()
    while not done.wait(_AGAIN_SECONDS):
        connection.interrupt()  # one that comes between two statements is lost


def _too_long(name: str, seconds: float) -> InputError:
    return InputError(
        f"transform {name}: the query was stopped after its limit of {seconds:,g} seconds; nothing was published",
        hint="Make it cheaper, or raise the transform's `max_runtime_seconds`",
        limit_seconds=seconds,
    )
