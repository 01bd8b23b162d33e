"""The way in: what is in a document, asked of confined processes (T9, T13, T14).

    with open_reader() as reader:
        document = reader.read("pdf", source)

Any number of threads may ask at once: a thread waits for bytes of its own file while the processes work on those of
others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from resources.documents.document import Document
from resources.documents.kinds import DocumentKind
from resources.documents.limits import ReadLimits
from resources.documents.packages import OCR_PACKAGES, PACKAGES, check_ocr, check_parsers
from resources.documents.recognised import with_recognised
from resources.documents.refusals import DocumentRefusedError, document_refusal, shown_bytes
from resources.documents.requests import OcrPage, OcrRequest, ReadRequest, ReadWanted
from resources.sandbox.limits import MB
from resources.sandbox.pool import SandboxPool, usual_workers
from resources.sandbox.program import SandboxProgram
from resources.sandbox.ranges import RangeSource

PROGRAM = SandboxProgram("resources.documents.worker", "reading documents", tuple(PACKAGES))
OCR_PROGRAM = SandboxProgram(
    "resources.documents.ocr_worker", "recognising text", (*OCR_PACKAGES, "pypdfium2", "PIL")
)
_OCR_MEMORY = 2048 * MB
_OCR_SECONDS = 60
"""For each picture or page."""
_PIXELS = 50_000_000
_READ_FACTOR, _LEAST_READ = 8, 16 * MB
"""How many times the bytes of a file may be read: parsers go back and forth, each time for 16 KB at least."""

_Answer = TypeVar("_Answer")

_encode = msgspec.msgpack.Encoder().encode
_document = msgspec.msgpack.Decoder(Document).decode
_ocr_page = msgspec.msgpack.Decoder(OcrPage).decode


class DocumentReader:
    """Reads documents in confined processes. Made by `open_reader`.

    Args:
        pool: of those that parse.
        ocr: of those that recognise text; they start when one is needed.
        limits: of each document.
    """

    def __init__(self, pool: SandboxPool, ocr: SandboxPool, limits: ReadLimits) -> None:
        self._pool = pool
        self._ocr = ocr
        self._limits = limits

    @property
    def confinement(self) -> list[str]:
        """How the system confines the processes, once one was started: `limits`, `seccomp`, `landlock`."""
        return list(self._pool.confinement)

    def read(
        self, kind: DocumentKind, source: RangeSource, wanted: ReadWanted | None = None
    ) -> Document:
        """What is in a document.

        Args:
            kind: what it is, see `kind_of`.
            source: its bytes.
            wanted: what is wanted of it.

        Raises:
            DocumentRefusedError: it is something else, cannot be read, has no text, or goes beyond a limit.
            MissingDependencyError: text recognition is wanted and not installed.
            WaybillError: what reading from the source raised.
        """
        wanted = wanted or ReadWanted()
        if wanted.ocr:
            check_ocr()
        self._check_size(source)
        limits = self._limits
        request = ReadRequest(
            kind, limits.pages, limits.unpacked_bytes, limits.answer_bytes, wanted.address, wanted.charset
        )  # fmt: skip
        options = _encode(request)
        answers = list(self._pool.ask("read", kind, [source], options, self._most_read(source)))
        document = _only(answers, _document)
        if wanted.ocr:
            document = self._with_scanned(document, source)
        _check_text(document)
        return document

    def recognise(self, source: RangeSource) -> list[str]:
        """The lines of text in a picture.

        Raises:
            DocumentRefusedError: it is no picture, or goes beyond a limit.
            MissingDependencyError: text recognition is not installed.
            WaybillError: what reading from the source raised.
        """
        check_ocr()
        self._check_size(source)
        page = self._recognised(source, ())[0]
        if page.message:
            raise DocumentRefusedError("unreadable", page.message)
        return page.lines

    def _with_scanned(self, document: Document, source: RangeSource) -> Document:
        scanned = tuple(page.number for page in document.pages if page.state == "scanned")
        if not scanned:
            return document
        return with_recognised(document, self._recognised(source, scanned))

    def _recognised(self, source: RangeSource, pages: Sequence[int]) -> list[OcrPage]:
        options = _encode(OcrRequest(tuple(pages), _PIXELS))
        answers = self._ocr.ask("recognise", "", [source], options, self._most_read(source))
        found = [_only([answer], _ocr_page) for answer in answers]
        if [page.page for page in found] != list(pages or (0,)):
            raise _senseless("other pages than were asked for")
        return found

    def _most_read(self, source: RangeSource) -> int:
        return max(source.size * _READ_FACTOR, _LEAST_READ)

    def _check_size(self, source: RangeSource) -> None:
        if source.size == 0:
            raise DocumentRefusedError("empty", "It has 0 bytes")
        if source.size > self._limits.file_bytes:
            most = shown_bytes(self._limits.file_bytes)
            raise DocumentRefusedError(
                "over_size", f"It has {source.size:,} bytes, at most {most} are read"
            )


@contextmanager
def open_reader(
    limits: ReadLimits | None = None, *, workers: int | None = None
) -> Iterator[DocumentReader]:
    """A reader and its processes, which start when they are needed and end with the context.

    Args:
        limits: of each document.
        workers: how many processes at most; by the number of processors when left out.

    Raises:
        MissingDependencyError: the packages that read documents are not installed.
    """
    check_parsers()
    limits = limits or ReadLimits()
    count = workers or usual_workers()
    of_ocr = replace(
        limits, memory_bytes=max(limits.memory_bytes, _OCR_MEMORY), cpu_seconds=_OCR_SECONDS * 2, seconds=_OCR_SECONDS
    )  # fmt: skip
    with ExitStack() as stack:
        pools = [
            stack.enter_context(
                SandboxPool(program, one, places, partial(document_refusal, limits=one))
            )
            for program, one, places in ((PROGRAM, limits, count), (OCR_PROGRAM, of_ocr, 1))
        ]
        yield DocumentReader(pools[0], pools[1], limits)


def _only(answers: Sequence[bytes], decode: Callable[[bytes], _Answer]) -> _Answer:
    """The one answer of a worker, which its document may have taken over.

    Raises:
        DocumentRefusedError: it is none.
    """
    if len(answers) != 1:
        raise _senseless(f"{len(answers)} answers came of it")
    try:
        return decode(answers[0])
    except msgspec.DecodeError as error:
        raise _senseless(str(error)) from None


def _senseless(reason: str) -> DocumentRefusedError:
    return DocumentRefusedError("unreadable", f"What was read of it makes no sense: {reason}")


def _check_text(document: Document) -> None:
    """Refuses a document without text.

    Raises:
        DocumentRefusedError: see there; a scanned one is called so.
    """
    if document.characters:
        return
    scanned = sum(page.state == "scanned" for page in document.pages)
    if scanned:
        pages = "Its page is a picture" if scanned == 1 else f"Its {scanned:,} pages are pictures"
        raise DocumentRefusedError(
            "no_text",
            f"{pages} without text: it is scanned. `ocr: true` reads it (extra `ocr`)",
        )
    raise DocumentRefusedError("no_text", "It has no text")
