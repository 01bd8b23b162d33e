"""A classification file -> what it does, or every reason why it is refused. Pure: reads the given stream once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from assets.classifications.operations import Operations
from assets.classifications.problems import Rejected
from assets.classifications.reading.batch import Batch, ErrorReport, Findings
from assets.classifications.reading.json_lines import read_json_lines
from assets.classifications.reading.resolve import resolve
from assets.classifications.reading.signature import JSON_SUFFIX, check_extension
from assets.classifications.reading.source import RefusedFileError, read_pieces
from assets.classifications.reading.table import read_table
from assets.classifications.schema import ParseOptions, SetSchema


def parse(
    stream: BinaryIO,
    *,
    file_name: str,
    schema: SetSchema,
    options: ParseOptions | None = None,
    report: ErrorReport | None = None,
) -> Operations | Rejected:
    """Check a whole file and resolve its records; all or nothing (G11).

    Args:
        stream: the file's bytes from the start; read to the end, never sought.
        file_name: its extension decides the format: .json, .csv, .tsv, .tab (G1).
        schema: the set's columns.
        options: how to read; by default what the set says.
        report: takes every error, however many there are.

    Returns:
        Operations if nothing is wrong, else Rejected with the errors in file order. Nothing in a file raises.
    """
    options = options or ParseOptions.for_set(schema)
    findings = Findings(options.max_problems, options.max_warnings, report)
    batches: list[Batch] = []
    try:
        for batch in _read(stream, file_name, schema, options, findings):
            for rewritten in batch.rewritten:
                findings.warn_rewritten(rewritten)
            if findings.problems:
                batches.clear()  # nothing will be applied, so nothing is kept
            else:
                batches.append(batch)
    except RefusedFileError as refused:
        if report is not None:
            report.restart()
            report.write([refused.problem])
        return Rejected((refused.problem,), 1)
    if findings.problems:
        return _rejected(findings)
    return resolve(batches, schema, findings)


def _read(
    stream: BinaryIO,
    file_name: str,
    schema: SetSchema,
    options: ParseOptions,
    findings: Findings,
) -> Iterator[Batch]:
    suffix = check_extension(file_name)
    pieces = read_pieces(stream, options.max_bytes, options.piece_bytes)
    if suffix == JSON_SUFFIX:
        return read_json_lines(pieces, schema, options, findings)
    return read_table(pieces, suffix, schema, options, findings)


def _rejected(findings: Findings) -> Rejected:
    return Rejected(
        problems=findings.problems_in_file_order(),
        problem_count=findings.problem_count,
        warnings=findings.warnings_in_file_order(),
        warning_counts=dict(findings.warning_counts),
    )
