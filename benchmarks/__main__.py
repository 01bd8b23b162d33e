"""`python -m benchmarks`: ours, the limit and the peers side by side, in one run."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.catalog import select
from benchmarks.runner import run_rounds
from benchmarks.session import describe, opened_bench, work_folder

DOCS_PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 0 when ours and the limits all gave right rows, 1 when not, 2 when nothing ran."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, _end)
    selection = select(options.only, options.contenders)
    try:
        with (
            work_folder(options.work) as folder,
            opened_bench(
                folder, selection, options.rows, options.timeout, options.profile
            ) as bench,
        ):
            facts = describe(bench, options.repeat)
            measurements = run_rounds(bench, selection, options.repeat)
    except RuntimeError as error:
        print(f"nothing could be measured: {error}", file=sys.stderr)
        return 2
    markdown = report.render_markdown(selection, measurements, facts)
    print(markdown)
    if options.markdown:
        options.markdown.write_text(markdown, encoding="utf-8")
    if options.json:
        text = report.render_json(selection, measurements, facts)
        options.json.write_text(text, encoding="utf-8")
    if options.write_docs:
        report.write_docs(DOCS_PAGE, markdown)
    return 0 if report.is_sound(selection, measurements) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--rows", type=_positive, default=200_000, help="rows of the data (default 200000)")
    add("--repeat", type=_positive, default=3, help="rounds over all contenders (default 3)")
    add("--only", type=_words, default=[], metavar="J1,J2", help="jobs to run (default all)")
    add(
        "--contenders",
        type=_words,
        default=[],
        metavar="ours,limit,peers",
        help="families or single contenders (default all)",
    )
    add(
        "--work",
        type=Path,
        help="folder for data and the peers' environment, kept for the next run",
    )
    add("--timeout", type=_positive, default=1800, help="seconds after which one run is ended")
    add(
        "--profile", type=Path, help="folder for sampled profiles of ours; slows them by about 2 %%"
    )
    add("--markdown", type=Path, help="write the report to this file")
    add("--json", type=Path, help="write all figures to this file")
    add("--write-docs", action="store_true", help="put the report into docs/benchmarks.md")
    options = parser.parse_args(arguments)
    try:
        select(options.only, options.contenders)
    except ValueError as error:
        parser.error(str(error))
    return options


def _positive(text: str) -> int:
    number = int(text.replace("_", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _end(_signal: int, _frame: object) -> None:
    raise SystemExit("ended by SIGTERM")  # so that the server stops and temporary files go


if __name__ == "__main__":
    sys.exit(main())
