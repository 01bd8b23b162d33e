"""Reading documents: `python -m benchmarks.documents quality [--peer PYTHON]`, `... throughput [--documents N]` or `... kinds`.

`quality` prints documents of known text with Chromium and tells of each layout how many sentences are read whole, once and in order, and how
many rows of a table as rows: by Waybill, by PDFium alone, and by markitdown and pdf-oxide of the environment of another
Python, if one is named.

`throughput` reads mixed documents, 200 KB each in the mean, by two confined processes of a reader; and the same files by the bare libraries in
two plain processes. Processor time counts, that of all processes; the ratio is what must be reached. `kinds` tells it of each kind of document, by
one process each, without their start.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.document_files import bare_pdf, made_documents, made_kinds, parse_bare
from benchmarks.document_layouts import Known, Score, printed, score
from benchmarks.media import cpu_seconds
from resources.documents.kinds import check_kind
from resources.documents.markdown import to_markdown
from resources.documents.reader import DocumentReader, open_reader
from resources.sandbox.ranges import LocalSource

_PEERS = """
import json, sys
def markitdown(path):
    from markitdown import MarkItDown
    return MarkItDown().convert(path).text_content
def pdf_oxide(path):
    from pdf_oxide import PdfDocument
    document = PdfDocument(path)
    return "\\n\\n".join(document.to_markdown(n) for n in range(document.page_count()))
read = {"markitdown": markitdown, "pdf-oxide": pdf_oxide}[sys.argv[1]]
print(json.dumps([read(path) for path in sys.argv[2:]]))
"""
_HEAD_BYTES = 4096
_THREADS = 4


def read(reader: DocumentReader, path: Path) -> str:
    """A document as Markdown."""
    source = LocalSource(path)
    kind = check_kind(path.name, source.read_range(0, _HEAD_BYTES), source.size)
    return to_markdown(reader.read(kind, source))


def quality(folder: Path, peer: str = "") -> dict[str, dict[str, Score]]:
    """Contender -> layout -> score."""
    documents = dict(printed(folder))
    with open_reader(workers=1) as reader:
        texts = {"Waybill": [read(reader, known.path) for known in documents.values()]}
    texts["PDFium alone"] = [bare_pdf(known.path) for known in documents.values()]
    for name in ("pdf-oxide", "markitdown") if peer else ():
        texts[name] = _by_peer(peer, name, list(documents.values()))
    return {
        name: {
            layout: score(known, text)
            for (layout, known), text in zip(documents.items(), found, strict=True)
        }
        for name, found in texts.items()
    }


def _by_peer(python: str, name: str, documents: Sequence[Known]) -> list[str]:
    paths = [str(known.path) for known in documents]
    done = subprocess.run(
        [python, "-c", _PEERS, name, *paths], check=True, capture_output=True, text=True
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


def throughput(folder: Path, count: int) -> dict[str, float]:
    """Wall and processor time of both ways, and the ratio of the bare parsers' time to ours."""
    paths = list(made_documents(folder, count))
    size = sum(path.stat().st_size for path in paths) / 1e6
    ours = _measured(lambda: _read_all(paths))
    bare = _measured(lambda: _parse_all(paths))
    return {
        "documents": count, "MB": size,
        "Waybill, s": ours[0], "bare, s": bare[0], "Waybill, CPU s": ours[1], "bare, CPU s": bare[1],
        "largest process, MB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "speed beside the bare parsers, by CPU": bare[1] / ours[1], "by the clock": bare[0] / ours[0],
    }  # fmt: skip


def kinds(folder: Path, count: int = 40) -> Iterator[tuple[str, float, float]]:
    """Each kind of document, and milliseconds of processor time that one takes us, and the bare library."""
    for kind, data in made_kinds():
        paths = [folder / f"{number}.{kind}" for number in range(count)]
        for path in paths:
            path.write_bytes(data)
        ours, bare = (
            (_measured(partial(do, paths, 1))[1] - _measured(partial(do, paths[:1], 1))[1])
            / (count - 1) * 1e3
            for do in (_read_all, _parse_all)
        )  # fmt: skip
        yield kind, ours, bare


def _measured(work: Callable[[], None]) -> tuple[float, float]:
    began, began_cpu = time.perf_counter(), cpu_seconds()
    work()
    return time.perf_counter() - began, cpu_seconds() - began_cpu


def _read_all(paths: Sequence[Path], workers: int = 2) -> None:
    with open_reader(workers=workers) as reader, ThreadPoolExecutor(_THREADS) as threads:
        texts = list(threads.map(lambda path: read(reader, path), paths))
    assert all(texts)


def _parse_all(paths: Sequence[Path], workers: int = 2) -> None:
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        texts = pool.map(parse_bare, paths, chunksize=4)
        pool.close()
        pool.join()
    assert all(texts)


def _lines(found: dict[str, dict[str, Score]]) -> Iterator[str]:
    layouts = list(next(iter(found.values())))
    yield f"{'':>14}" + "".join(f"{layout:>22}" for layout in layouts)
    for name, scores in found.items():
        cells = [
            f"{one.once:.0%} {one.in_order:.0%}" + ("" if one.rows is None else f" {one.rows:.0%}")
            for one in scores.values()
        ]
        yield f"{name:>14}" + "".join(f"{cell:>22}" for cell in cells)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["quality", "throughput", "kinds"])
    parser.add_argument(
        "--peer", default="", help="Python of an environment with markitdown and pdf-oxide"
    )
    parser.add_argument("--documents", type=int, default=1_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if given.what == "quality":
            print("sentences once, of them in order, rows of the table")
            print(*_lines(quality(Path(scratch), given.peer)), sep="\n")
            return
        if given.what == "kinds":
            for kind, ours, bare in kinds(Path(scratch)):
                print(f"{kind:>6} {ours:8.1f} ms, bare {bare:8.1f} ms")
            return
        print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}")
        for name, value in throughput(Path(scratch), given.documents).items():
            print(f"{name:>40} {value:10.2f}")


if __name__ == "__main__":
    main()
