"""Header and records of a CSV or TSV file against the rules of a set. The exact way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assets.classifications.problems import RULES, FileProblem
from assets.classifications.reading.batch import DELETE_KEY, UPDATE, Findings, RecordList
from assets.classifications.reading.values import (
    Fault,
    Taken,
    Value,
    check_key,
    excerpt,
    read_value,
)
from assets.classifications.schema import (
    DELETE_TOKEN,
    EMPTY_TOKEN,
    KEY,
    ParseOptions,
    SetColumn,
    SetSchema,
)

HEADER_ROW = 1


def check_header(headers: Sequence[str], schema: SetSchema) -> list[FileProblem]:
    """C1, G9 in the order in which they are told: blank, fewer than two, first column, then duplicate and unknown."""
    hint = _delimiter_hint(headers[0])
    blank = [
        _header(None, "blank_header", f"number {n} is blank{hint}")
        for n, name in enumerate(headers, 1)
        if not name
    ]
    if blank:
        return blank
    if len(headers) < 2:
        return [_header(None, "min_two_headers", f"found {excerpt(headers[0])} alone{hint}")]
    if headers[0] != KEY:
        rule = "first_column_must_be_key" if KEY in headers else "first_header_must_be_Key"
        return [_header(headers[0], rule, f"found {excerpt(headers[0])} first")]
    problems = []
    seen = {KEY}
    for name in headers[1:]:
        if name in seen:
            problems.append(_header(name, "duplicate_header", f"{excerpt(name)} is there before"))
        elif name not in schema.by_name:
            problems.append(_header(name, "unknown_header", unknown_column(name, schema)))
        seen.add(name)
    return problems


def _delimiter_hint(first: str) -> str:
    """What programs do that Europeans use: semicolons, and a line that tells Excel the delimiter."""
    if first.startswith("sep="):
        return "; the line `sep=` is meant for Excel alone: remove it"
    for mark, name in ((";", "semicolons"), ("|", "vertical bars")):
        if mark in first:
            return (
                f"; it is separated by {name}, a .csv file by commas:"
                " save it as tab-separated text (.tsv), or with commas"
            )
    return ""


def unknown_column(name: str, schema: SetSchema) -> str:
    """The detail of `unknown_header`, with the columns that are known."""
    if "\r" in name:
        return f"{excerpt(name)} has a carriage return: lines end with LF or CRLF"
    known = ", ".join(column.name for column in schema.columns[:10])
    more = ", ..." if len(schema.columns) > 10 else ""
    return f"{excerpt(name)} is no column of the set; known: {known}{more}"


def _header(column: str | None, rule: str, detail: str) -> FileProblem:
    return FileProblem(HEADER_ROW, rule, column, f"{RULES[rule]}: {detail}")


@dataclass
class TableRecords:
    """Takes records one by one: good ones into `records`, the others into `findings`."""

    columns: Sequence[SetColumn]
    options: ParseOptions
    records: RecordList
    findings: Findings

    def take(self, row: int, fields: Sequence[str]) -> None:
        """C5-C9 and the limits for one record."""
        expected = len(self.columns) + 1
        if len(fields) != expected:
            fault = Fault("column_count_mismatch", f"{len(fields)} fields, {expected} headers")
            self.findings.refuse([fault.at(row)])
            return
        key, cells = fields[0], fields[1:]
        fault_of_key = check_key(key, blank_rule="key_empty")
        problems = [fault_of_key.at(row)] if fault_of_key else []
        if DELETE_TOKEN in cells:
            self._delete(row, key, cells, problems)
        else:
            self._update(row, key, cells, problems)

    def take_malformed(self, row: int) -> None:
        """C11."""
        fault = Fault("malformed_document", "the quotes of this record are broken")
        self.findings.refuse([fault.at(row)])

    def _delete(
        self, row: int, key: str, cells: Sequence[str], problems: list[FileProblem]
    ) -> None:
        named = zip(self.columns, cells, strict=True)
        ignored = [column.name for column, cell in named if cell not in ("", DELETE_TOKEN)]
        if ignored:
            self.findings.warn(row, "ignored_cells", None, ", ".join(ignored[:10]))
        if problems:
            self.findings.refuse(problems)
        else:
            self.records.add(row, DELETE_KEY, key, {}, [])

    def _update(
        self, row: int, key: str, cells: Sequence[str], problems: list[FileProblem]
    ) -> None:
        values: dict[str, Value] = {}
        cleared = []
        for column, cell in zip(self.columns, cells, strict=True):
            if cell == EMPTY_TOKEN:
                cleared.append(column.name)
                continue
            value = read_value(column, cell, self.options.list_delimiter) if cell else None
            if isinstance(value, Taken):
                self.findings.warn(row, value.rule, column.name, value.detail)
                value = value.value
            if isinstance(value, Fault):
                problems.append(value.at(row, column.name))
            elif value is not None:
                values[column.name] = value
            elif self.options.blank_clears:
                cleared.append(column.name)
        if problems:
            self.findings.refuse(problems)
        else:
            self.records.add(row, UPDATE, key, values, cleared)
