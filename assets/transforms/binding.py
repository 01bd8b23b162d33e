"""A transform's SQL against the columns of its inputs: DuckDB itself binds it over tables without rows and runs nothing.

The settings, the walls and the types are those of a run (`sandbox.py`, `resources/stores/duckdb_read.py`,
`resources/stores/duckdb_copy.py`), so what is refused here would be refused there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from assets.transforms.misfits import DESCRIBE, Misfit, explain
from assets.transforms.sandbox import lock_in, open_sandbox
from assets.transforms.statement import Statement
from resources.kernel.errors import InputError
from resources.scratch import ScratchFolder
from resources.stores.duckdb_copy import copy_shape
from resources.stores.duckdb_read import open_empty_relation

_SECONDS = 20
_BYTES = 1 << 30
"""More than any binding needs. DuckDB evaluates some constants while it binds, `unnest(range(...))` for one."""
_TELLING = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.InvalidInputException,
    duckdb.NotImplementedException,
    duckdb.PermissionException,
)
"""What is wrong with a statement; anything else is no verdict: memory, time, the disk."""


class StatementMisfitError(InputError):
    """A statement that its inputs do not fit."""

    def __init__(self, misfit: Misfit) -> None:
        super().__init__(misfit.text, hint=misfit.hint)
        self.offset = misfit.offset

    def __reduce__(self) -> tuple[object, ...]:
        return StatementMisfitError, (Misfit(self.message, self.hint, self.offset),)


class StatementBinder:
    """Tables without rows in a DuckDB of its own; a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._files = 0

    def __enter__(self) -> Self:
        scratch = self._stack.enter_context(ScratchFolder("transform")).name
        self._folder = Path(scratch)
        self._connection = self._stack.enter_context(open_sandbox(scratch))
        self._connection.execute("SET threads = 1")
        self._connection.execute("SET errors_as_json = true")
        lock_in(self._connection, [self._folder])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add_table(self, name: str, schema: pa.Schema) -> None:
        """A dataset of these columns.

        Raises:
            InputError: columns that DuckDB would change.
        """
        relation = open_empty_relation(
            self._connection, self._next_file(), schema, where=f"datasets/{name}"
        )
        relation.create_view(name)

    def bind(self, statement: Statement, tables: Mapping[str, pa.Schema]) -> pa.Schema | None:
        """The columns that a statement would publish; None where DuckDB came to no verdict.

        Args:
            statement: the transform; its inputs were added.
            tables: columns of each input.

        Raises:
            MisfitError: a run over these columns would be refused.
        """
        try:
            with _limited(self._connection):
                return copy_shape(
                    self._connection, statement.sql, self._next_file(), where="the result"
                )
        except (*_TELLING, InputError) as error:
            raise StatementMisfitError(self._explain(error, statement, tables)) from error
        except (duckdb.Error, MemoryError):
            return None

    def _explain(
        self, error: Exception, statement: Statement, tables: Mapping[str, pa.Schema]
    ) -> Misfit:
        """What is wrong, by asking once more: DuckDB tells the place in the SQL of what is executed alone."""
        try:
            self._connection.execute(DESCRIBE + statement.sql)
        except _TELLING as told:
            return explain(told, statement, tables)
        if isinstance(error, InputError):
            return Misfit(error.message, error.hint)
        return explain(error, statement, tables)

    def _next_file(self) -> Path:
        self._files += 1
        return self._folder / f"{self._files}.parquet"


@contextmanager
def _limited(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Ends what takes long, and refuses memory that a binding does not need before the system ends the process."""
    watch = threading.Timer(_SECONDS, connection.interrupt)
    watch.daemon = True
    watch.start()
    try:
        with _less_memory():
            yield
    finally:
        watch.cancel()
        watch.join()


@contextmanager
def _less_memory() -> Iterator[None]:
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # not Linux: there the limit would say nothing about memory
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + _BYTES
    low = wanted if soft == resource.RLIM_INFINITY else min(wanted, soft)
    resource.setrlimit(resource.RLIMIT_AS, (low, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
