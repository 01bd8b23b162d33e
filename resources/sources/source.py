"""What a data source is made of: a connector and what to take from it. Transport and format meet here.

**What holds.** A dataset's record of what it imported can be compared with what a data source observes: a data source
watches through `fingerprint`, a dataset imports through `open_streams`, and both look at the same objects by the same
rule. What a stream brings does not change while its context lives.

**Why.** Objects of a bucket are read from local copies whose length and etag were proven; a query runs in one snapshot. An
import holds its source (`held`), so that its fingerprint is that of the rows it has read. After a `Retype` the same
content is opened again.

**When it is lost.** A source that changes between the look and the read is a `SourceChangedError` and is tried again. A
database without snapshots gives what its own page in docs/connectors says. `fingerprint` sees as much as its rule: of a
table watched by `max: updated_at`, a change that leaves that column alone is not seen.

**What it costs.** Objects: a listing, then each object once over the network and once on the local disk. Tables: the rows; the
fingerprint by checksum reads them once more, unless reading tells it (`reading_tells`).
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Self

from resources.connectors.base import FileConnector, TableConnector
from resources.formats.files import SourceFile
from resources.formats.registry import is_readable_name, open_reader
from resources.kernel.errors import IntegrityError, NotFoundError, SourceChangedError
from resources.kernel.records import BatchStream, ObjectInfo, SqlQuery, TableName
from resources.scratch import ScratchFolder
from resources.sources.fingerprint_rules import sign_of_bytes, sign_of_copies, sign_of_table
from resources.sources.local_copies import Copier, LocalCopies, make_local_copies
from resources.sources.objects import near_paths, select_objects
from resources.sources.query_parameters import resolve_parameters
from resources.sources.renaming import renamed
from resources.sources.row_digest import digested
from resources.sources.settling import wait_until_settled
from resources.sources.spec import SourceSpec
from resources.sources.table_formats import check_no_table_format

LISTED_OBJECTS = 100  # the most objects that a version's record names one by one


@dataclass(frozen=True)
class Fingerprint:
    """The state of a source at one moment."""

    version: str
    """Changes whenever the content may have changed."""
    facts: Mapping[str, object]
    """JSON-able details for the UI and the record: objects, bytes, newest change."""


OpenStream = Callable[[], BatchStream]


class Source(ABC):
    """Something that can be watched and imported."""

    spec: SourceSpec

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"data source {self.spec.name}"

    @property
    def origin(self) -> str:
        """Where a dataset comes from that is imported of it."""
        return "datasource"

    def record(self) -> Mapping[str, object]:
        """What a version remembers of where its rows came from, beside fingerprint and declaration."""
        spec = self.spec
        return {"datasource": spec.name, "connector": spec.connector, "target": spec.target}

    def facts(self) -> Mapping[str, object]:
        """The same for people."""
        return {"source": f"{self.spec.connector}: {self.spec.target}"}

    @abstractmethod
    def fingerprint(self) -> Fingerprint:
        """The source's state now.

        Raises:
            NotFoundError: nothing is there.
        """

    def kept(self) -> Source:
        """The source as a version remembers it, once its rows were written: what was only handed in is kept now."""
        return self

    @property
    def reading_tells(self) -> bool:
        """Whether a stream of the whole content tells the fingerprint, which asked for apart reads all of it once more."""
        return False

    def fingerprint_of(self, stream: BatchStream) -> Fingerprint:
        """The fingerprint of what a stream brought that was read to its end, where `reading_tells`.

        Raises:
            IntegrityError: the stream does not tell, or was left before its end.
        """
        if stream.fingerprint is None:
            raise IntegrityError(
                f"data source {self.spec.name}: its rows came without a fingerprint"
            )
        return Fingerprint(stream.fingerprint(), {"source": self.spec.target})

    def change_hint(self) -> str:
        """See `TableConnector.change_hint`."""
        return ""

    @property
    def left_out(self) -> Sequence[str]:
        """What is not taken though it belongs to the source, a sentence each."""
        return ()

    def at_rest(self, settle_seconds: float | None) -> Source:  # noqa: ARG002 - tables show what was committed
        """The source without what is still being written.

        Args:
            settle_seconds: how long it must have been left alone; as the source's connector has it when None.

        Raises:
            SourceChangedError: nothing else is there.
        """
        return self

    def held(self) -> AbstractContextManager[Source]:
        """The same source for one import: what its fingerprint looks at and what its streams bring is one thing."""
        return nullcontext(self)

    @abstractmethod
    def open_streams(self) -> AbstractContextManager[OpenStream]:
        """A function that opens the whole content as one stream, again after a `Retype`.

        Its content stays the same while the context lives, and leaving it proves that.
        """

    def open_heads(self, rows: int) -> AbstractContextManager[OpenStream]:  # noqa: ARG002 - databases look at it
        """The same for a look at the first `rows` rows; the stream may end behind them."""
        return self.open_streams()


class ObjectSource(Source):
    """Objects that make one table: those under a path of a connector, or what was uploaded.

    Args:
        spec: the declaration.
        copier: hands out their bytes.
        objects: which of them to take, instead of all that there are now.
        copies: local copies of these, when there are any.
        left_out: what is not among them, and why.
    """

    def __init__(
        self,
        spec: SourceSpec,
        copier: Copier,
        objects: Sequence[ObjectInfo] | None = None,
        copies: LocalCopies | None = None,
        left_out: Sequence[str] = (),
    ) -> None:
        self.spec = spec
        self._copier = copier
        self._given = objects
        self._copies = copies
        self._left_out = tuple(left_out)

    def objects(self) -> list[ObjectInfo]:
        """The objects that there are now, in order of key.

        Raises:
            NotFoundError: there is none.
        """
        return self._find() if self._given is None else list(self._given)

    @abstractmethod
    def _find(self) -> list[ObjectInfo]:
        """What is there now."""

    @abstractmethod
    def _with(
        self, objects: Sequence[ObjectInfo], copies: LocalCopies | None, left_out: Sequence[str]
    ) -> Self:
        """The same source of these objects."""

    @property
    def options(self) -> Mapping[str, object]:
        """Options of the format: as they are declared."""
        return self.spec.options

    def _check(self, objects: Sequence[ObjectInfo]) -> None:
        """Refuses objects that together mean something else than their rows."""

    @property
    def left_out(self) -> Sequence[str]:
        """Files that are still being written."""
        return self._left_out

    @property
    def fetches(self) -> bool:
        """Whether reading an object fetches all of it first."""
        return self._copier.fetches

    def taking(self, objects: Sequence[ObjectInfo]) -> Self:
        """The same source, of these objects alone."""
        return self._with(objects, None, ())

    def fingerprint(self) -> Fingerprint:
        """A digest over every key and etag, or over the bytes when the data source asks for `hash`."""
        objects = self.objects()
        found = fingerprint_objects(objects)
        if self.spec.fingerprint.method == "hash":
            sign = (
                sign_of_bytes(self._copier, objects)
                if self._copies is None
                else sign_of_copies(self._copies)
            )
            return Fingerprint(sign.version, {**found.facts, **sign.facts})
        return found

    @contextmanager
    def held(self) -> Iterator[Source]:
        """The source with the objects that it has now; those whose bytes are its fingerprint are fetched once."""
        objects = self.objects()
        if self.spec.fingerprint.method != "hash":
            yield self._with(objects, None, self._left_out)
            return
        with self._local_copies(objects) as copies:
            yield self._with(objects, copies, self._left_out)

    @contextmanager
    def _local_copies(self, objects: Sequence[ObjectInfo]) -> Iterator[LocalCopies]:
        with ScratchFolder("import") as scratch, ExitStack() as stack:
            yield make_local_copies(self._copier, objects, scratch.path, stack)

    @contextmanager
    def open_streams(self) -> Iterator[OpenStream]:
        """Local copies of all objects, then one reader over them."""
        objects = self.objects()
        self._check(objects)
        with ExitStack() as stack:
            scratch = stack.enter_context(ScratchFolder("import"))
            copies = self._copies
            if copies is None:
                copies = stack.enter_context(self._local_copies(objects))
            missing = [item.key for item, path in copies if path is None]
            files = [SourceFile(item.key, path) for item, path in copies if path is not None]
            if not files:
                raise NotFoundError(
                    f"{self.title}: all {len(missing)} objects were deleted after they were listed",
                    path=self.spec.path,
                )
            reader = open_reader(
                files,
                format=self.spec.format or None,
                options=self.options,
                member=self.spec.member,
                scratch=scratch.path,
            )

            def open_stream() -> BatchStream:
                stream = reader.stream()
                stream.warnings += self._left_out
                stream.warnings += [
                    f"{key}: deleted after it was listed; skipped" for key in missing
                ]
                rename = self.spec.rename
                return renamed(stream, rename, where=self.title) if rename else stream

            yield open_stream


class FileSource(ObjectSource):
    """All objects under a path of a file connector, as one table.

    Args:
        spec: the declaration.
        connector: where the objects are.
        objects: which of them to take, instead of all that the path means now.
        copies: local copies of these, when there are any.
        left_out: what is not among them, and why.
    """

    def __init__(
        self,
        spec: SourceSpec,
        connector: FileConnector,
        objects: Sequence[ObjectInfo] | None = None,
        copies: LocalCopies | None = None,
        left_out: Sequence[str] = (),
    ) -> None:
        super().__init__(spec, connector, objects, copies, left_out)
        self._connector = connector

    def _with(
        self, objects: Sequence[ObjectInfo], copies: LocalCopies | None, left_out: Sequence[str]
    ) -> Self:
        return type(self)(self.spec, self._connector, objects, copies, left_out)

    def _find(self) -> list[ObjectInfo]:
        found = list(select_objects(self._connector, self.spec.path, is_readable=self._is_readable))
        if not found:
            raise NotFoundError(
                f"data source {self.spec.name}: no object of connector {self.spec.connector!r}"
                f" matches {self.spec.path!r}{near_paths(self._connector, self.spec.path)}",
                hint="Check the path from the connector's root; `*` stays within one folder,"
                " `**` crosses folders",
                path=self.spec.path,
            )
        return found

    def _check(self, objects: Sequence[ObjectInfo]) -> None:
        check_no_table_format(self.spec, self._connector, objects)

    def at_rest(self, settle_seconds: float | None) -> FileSource:
        """The files that have been left alone for so long; waits a little for those that nearly have."""
        if settle_seconds is None:
            settle_seconds = self._connector.settle_seconds
        found = wait_until_settled(
            self.objects,
            settle_seconds=settle_seconds,
            clock_doubt_seconds=self._connector.clock_doubt_seconds,
        )
        if not found.whole:
            raise SourceChangedError(
                f"data source {self.spec.name}: {found.unsettled[0].key} and all else that matches"
                f" {self.spec.path!r} was written to less than {settle_seconds:g} s ago",
                hint="It is taken when its writer is done; see settle_seconds in docs/datasources.md",
                path=self.spec.path,
            )
        left_out = [
            f"{item.key}: left out, since it was written to less than {settle_seconds:g} s ago;"
            " the next import takes it"
            for item in found.unsettled
        ]
        return self._with(found.whole, None, left_out)

    def _is_readable(self, key: str) -> bool:
        return bool(self.spec.format) or is_readable_name(key)


class DatabaseSource(Source):
    """A table or a query of a database."""

    def __init__(self, spec: SourceSpec, connector: TableConnector) -> None:
        self.spec = spec
        self._connector = connector

    @property
    def wanted(self) -> TableName | SqlQuery:
        """What the connector is asked for.

        Raises:
            ConfigError: a parameter comes from a variable that is not set.
        """
        spec = self.spec
        if spec.table:
            return TableName.parse(spec.table)
        values = resolve_parameters(spec.parameters, where=f"data source {spec.name}")
        return SqlQuery(spec.query, values, spec.timeout_seconds)

    def fingerprint(self) -> Fingerprint:
        """The database's own sign of change, as cheap as its dialect can make it, or the one that was chosen."""
        sign = sign_of_table(self.spec.fingerprint, self._connector, self.wanted)
        return Fingerprint(sign.version, {"source": self.spec.target, **sign.facts})

    @property
    def reading_tells(self) -> bool:
        """Where the fingerprint is made of all values, here or by the connector's own way of reading."""
        method = self.spec.fingerprint.method
        return method == "hash" or (method == "auto" and self._connector.reading_tells)

    def change_hint(self) -> str:
        """What the database knows of its last change, where that can spare a pass over all rows."""
        return self._connector.change_hint(self.wanted) if self.reading_tells else ""

    def open_streams(self) -> AbstractContextManager[OpenStream]:
        """One snapshot for each stream opened."""
        if self.spec.fingerprint.method == "hash":
            return _one_at_a_time(lambda: digested(self._connector.read(self.wanted)))
        return _one_at_a_time(lambda: self._connector.read(self.wanted))

    def open_heads(self, rows: int) -> AbstractContextManager[OpenStream]:
        """The same, which may end behind the first `rows` rows."""
        return _one_at_a_time(lambda: self._connector.head(self.wanted, rows))


@contextmanager
def _one_at_a_time(read: Callable[[], AbstractContextManager[BatchStream]]) -> Iterator[OpenStream]:
    with ExitStack() as stack:

        def open_stream() -> BatchStream:
            stack.close()
            return stack.enter_context(read())

        yield open_stream


def fingerprint_objects(items: Sequence[ObjectInfo]) -> Fingerprint:
    """The fingerprint of a listing: every key with its etag and size."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item.key}\0{item.etag}\0{item.size_bytes}\n".encode())
    newest = max(items, key=lambda item: item.modified_at)
    return Fingerprint(
        digest.hexdigest()[:32],
        {
            "objects": len(items),
            "size_bytes": sum(item.size_bytes for item in items),
            "newest object": newest.key,
            "newest change": newest.modified_at.isoformat(),
            "keys": [item.key for item in items[:LISTED_OBJECTS]],
        },
    )
