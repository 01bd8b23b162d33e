"""The rules of classification files once more, slow and obvious, character by character.

Written from the specification alone and sharing nothing with the product but its constants' values. The property tests compare
the two on everything that can be generated.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
MAGIC = (
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
    b"\xd0\xcf\x11\xe0",
    b"%PDF-",
    b"PAR1",
    b"SQLite format 3\x00",
)
UTF8 = {"utf8", "utf-8", "csutf8"}
LATIN1 = {
    "latin1",
    "latin-1",
    "l1",
    "iso-8859-1",
    "iso8859-1",
    "iso_8859-1",
    "iso-ir-100",
    "csisolatin1",
    "cp819",
    "ibm819",
}
EMPTY, DELETE = "~empty~", "~deletekey~"


@dataclass
class Effect:
    """What becomes of one key."""

    kind: str  # update, delete-field, delete-key
    row: int
    values: dict = field(default_factory=dict)
    cleared: set = field(default_factory=set)
    lines: int = 1


@dataclass
class Outcome:
    """Problems as (row, rule, column); effects by key when there are none; warnings as (row, rule)."""

    problems: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    effects: dict = field(default_factory=dict)
    line_count: int = 0
    superseded: int = 0


BLANKS = [
    *"\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\u200c\u200d",
    *map(chr, range(0x2000, 0x200B)),
]
UNSEEN = [
    *"\xad\u180e\u200b\u200e\u200f\ufeff",
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2060, 0x2065)),
    *map(chr, range(0x2066, 0x2070)),
]


def suspicions(key, effect):
    """(row, rule) of what is hardly meant."""
    if key[0] in BLANKS or key[-1] in BLANKS or any(sign in key for sign in UNSEEN):
        yield effect.row, "invisible_in_key"
    if key.startswith("#") and key.lstrip("#").startswith(" "):
        yield effect.row, "comment_key"
    texts = [key]
    for value in effect.values.values():
        texts.extend(
            value if isinstance(value, list) else [value] if isinstance(value, str) else []
        )
    for text in texts:
        if has_utf8_inside(text):
            yield effect.row, "misread_text"
        elif any("\x80" <= sign <= "\x9f" for sign in text):
            yield effect.row, "control_character"


def has_utf8_inside(text):
    """Whether some characters, as bytes of Latin-1, have the form of one character of UTF-8."""
    for place in range(len(text)):
        for first, last, length in (("\xc2", "\xdf", 1), ("\xe0", "\xef", 2), ("\xf0", "\xf4", 3)):
            rest = text[place + 1 : place + 1 + length]
            is_good = len(rest) == length and all("\x80" <= sign <= "\xbf" for sign in rest)
            if first <= text[place] <= last and is_good:
                return True
    return False


class RefusedError(Exception):
    """The file as a whole."""


def check(
    data: bytes,
    file_name: str,
    columns: dict[str, str],
    *,
    encoding="utf8",
    delimiter=",",
    blank_clears=False,
    max_bytes=52428800,
) -> Outcome:
    """The outcome of a file for columns name -> type."""
    try:
        suffix = re.search(r"[^/\\](\.[^.]*)$", file_name)
        suffix = suffix.group(1).lower() if suffix else ""
        if suffix not in (".json", ".csv", ".tsv", ".tab"):
            raise RefusedError("file_format_invalid")
        if len(data) > max_bytes:
            raise RefusedError("file_too_large")
        if data.startswith(BOMS) or data[:2].count(0) == 1:  # a mark, or UTF-16 without one
            raise RefusedError("file_bom")
        if data.startswith(MAGIC):
            raise RefusedError("file_format_invalid")
        checker = Checker(columns, encoding, delimiter, blank_clears)
        if suffix == ".json":
            checker.json(data)
        else:
            checker.table(data, suffix == ".csv")
    except RefusedError as refused:
        return Outcome(problems=[(0, str(refused), None)])
    return checker.outcome()


class Checker:
    def __init__(self, columns, encoding, delimiter, blank_clears):
        self.columns, self.encoding, self.delimiter, self.blank_clears = (
            columns,
            encoding,
            delimiter,
            blank_clears,
        )
        self.problems, self.warnings, self.records = [], [], []

    def outcome(self) -> Outcome:
        if self.problems:
            return Outcome(problems=self.problems, warnings=self.warnings)
        effects: dict[str, Effect] = {}
        rows: dict[str, list] = {}
        for key, effect in self.records:
            before = effects.get(key)
            if before and before.kind == effect.kind == "delete-field":
                effect.cleared |= before.cleared
                effect.lines += before.lines
            elif before:
                rows.setdefault(key, []).extend(
                    [before.row] if before.lines == 1 else before.all_rows
                )
            if before and before.kind == effect.kind == "delete-field":
                effect.all_rows = [*before.all_rows, effect.row]
            else:
                effect.all_rows = [effect.row]
            effects[key] = effect
        void = [(row, "superseded") for listed in rows.values() for row in listed]
        odd = [warning for key, effect in effects.items() for warning in suspicions(key, effect)]
        warnings = sorted([*self.warnings, *void, *odd], key=lambda warning: warning[0])
        return Outcome(
            warnings=warnings, effects=effects, line_count=len(self.records), superseded=len(void)
        )

    # ---- keys and values

    def key_rule(self, key, blank_rule):
        if key == "" or key.isspace():
            return blank_rule
        if key in (EMPTY, DELETE):
            return "key_reserved_token"
        if len(key.encode("utf-8")) > 255:
            return "key_too_long"
        if "\x00" in key:
            return "key_type_invalid"
        return None

    def value(self, row, kind, text):
        """(value, None) or (None, rule); a value of None is a blank cell."""
        if len(text.encode("utf-8")) > 255:
            return None, "value_too_long"
        if "\x00" in text:
            return None, "value_type_invalid"
        if kind == "integer":
            return self.integer_value(row, text)
        if kind == "float":
            return self.float_value(text)
        if kind == "list[string]":
            return self.list_value(row, text.split(self.delimiter))
        return text, None

    def integer_value(self, row, text):
        whole = re.sub("[.]0+$", "", text)
        digits = whole.lstrip("+-")
        is_good = len(whole) - len(digits) <= 1 and re.fullmatch("[0-9]+", digits)
        if not is_good or (digits != "0" and digits[0] == "0"):
            return None, "value_type_invalid"
        if not -(2**63) <= int(whole) <= 2**63 - 1:
            return None, "value_type_invalid"
        if str(int(whole)) != text:
            self.warnings.append((row, "integer_rewritten"))
        return int(whole), None

    def list_value(self, row, texts):
        elements = [text.strip(" ") for text in texts]
        filled = [element for element in elements if element != ""]
        if filled in ([EMPTY], [DELETE]):
            return None, "value_reserved_token"
        if filled != elements:
            self.warnings.append((row, "empty_elements"))
        return filled or None, None

    def float_value(self, text):
        if not re.fullmatch(r"-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?", text):
            return None, "value_type_invalid"
        number = float(text)
        if all(digit in "-0." for digit in re.split("[eE]", text)[0]):
            return 0.0, None
        try:
            same = Decimal(repr(number)) == Decimal(text)
        except InvalidOperation:
            same = False
        return (
            (number, None)
            if same and number not in (0, float("inf"), float("-inf"))
            else (None, "value_type_invalid")
        )

    # ---- CSV and TSV

    def table(self, data, is_csv):
        try:
            text = data.decode("latin-1" if self.encoding == "latin1" else "utf-8")
        except UnicodeDecodeError:
            raise RefusedError("file_encoding_invalid") from None
        text = self.without_preamble(text, is_csv)
        if text == "":
            raise RefusedError("file_empty")
        self.check_start(text.split("\n")[0], is_csv)
        records = list(split_records(text, "," if is_csv else "\t", is_csv))
        header = records[0]
        if header is None:
            self.problems.append((1, "malformed_document", None))
            return
        self.header(header)
        if self.problems:
            return
        for row, fields in enumerate(records[1:], 2):
            self.row(row, fields, header)

    @staticmethod
    def without_preamble(text, is_csv):
        while text:
            line, _, rest = text.partition("\n")
            line = line.removesuffix("\r")
            if (line.strip(" ") if is_csv else line) != "" and not line.startswith("## SC"):
                break
            text = rest
        return text

    @staticmethod
    def check_start(line, is_csv):
        if line.strip(" \t\r")[:1] in ("{", "["):
            raise RefusedError("file_format_invalid")
        own, other = (",", "\t") if is_csv else ("\t", ",")
        if own not in line and other in line and line.split(other)[0].strip(' "') == "Key":
            raise RefusedError("file_format_invalid")

    def header(self, names):
        blank = [name for name in names if name == ""]
        if blank:
            self.problems = [(1, "blank_header", None)] * len(blank)
        elif len(names) == 1:
            self.problems = [(1, "min_two_headers", None)]
        elif names[0] != "Key" and "Key" in names:
            self.problems = [(1, "first_column_must_be_key", names[0])]
        elif names[0] != "Key":
            self.problems = [(1, "first_header_must_be_Key", names[0])]
        else:
            for place, name in enumerate(names[1:], 1):
                if name in names[:place]:
                    self.problems.append((1, "duplicate_header", name))
                elif name not in self.columns:
                    self.problems.append((1, "unknown_header", name))

    def row(self, row, fields, header):
        if fields is None:
            self.problems.append((row, "malformed_document", None))
            return
        if len(fields) != len(header):
            self.problems.append((row, "column_count_mismatch", None))
            return
        key = fields[0]
        rule = self.key_rule(key, "key_empty")
        problems = [(row, rule, None)] if rule else []
        if DELETE in fields[1:]:
            if any(cell not in ("", DELETE) for cell in fields[1:]):
                self.warnings.append((row, "ignored_cells"))
            effect = Effect("delete-key", row)
        else:
            effect = Effect("update", row)
            for name, cell in zip(header[1:], fields[1:], strict=True):
                self.cell(effect, problems, name, cell)
        self.finish(row, key, effect, problems)

    def cell(self, effect, problems, name, cell):
        if cell == EMPTY:
            effect.cleared.add(name)
            return
        value, rule = (
            (None, None) if cell == "" else self.value(effect.row, self.columns[name], cell)
        )
        self.settle(effect, problems, name, value, rule)

    def settle(self, effect, problems, name, value, rule):
        if rule:
            problems.append((effect.row, rule, name))
        elif value is not None:
            effect.values[name] = value
        elif self.blank_clears:
            effect.cleared.add(name)

    def finish(self, row, key, effect, problems):
        self.problems.extend(problems)
        if not problems:
            self.records.append((key, effect))

    # ---- JSON

    def json(self, data):
        lines = data.split(b"\n")
        filled = [line for line in lines if line.strip(b" \t\r") != b""]
        if not filled:
            raise RefusedError("file_empty")
        first = filled[0].strip(b" \t\r")
        looks_like_json = first[:1] in (b"{", b"[", b'"', b"-") or first[:1].isdigit()
        if re.match(rb'"Key"[,\t]', first):
            looks_like_json = False
        if not looks_like_json and (b"," in filled[0] or b"\t" in filled[0]):
            raise RefusedError("file_format_invalid")
        for row, line in enumerate(lines, 1):
            if line.strip(b" \t\r") != b"":
                self.json_line(row, line)

    def json_line(self, row, line):
        try:
            utf8 = line.decode("utf-8")
        except UnicodeDecodeError:
            utf8 = None
        latin1 = line.decode("latin-1")
        text = latin1 if self.encoding == "latin1" else utf8
        kind, record = parse_json(latin1 if text is None else text)
        if kind != "object":
            rule = kind if text is not None else "file_encoding_invalid"
            self.problems.append((row, rule, None))
            return
        problems = []
        for name in record:
            if name in ("key", "data", "action", "enc"):
                continue
            if name.isascii() and name.lower() in ("key", "data", "action", "enc"):
                problems.append((row, "member_name_case", None))
            else:
                self.warnings.append((row, "unknown_member"))
        encoding = self.encoding
        if "enc" in record:
            name = record["enc"].lower() if isinstance(record["enc"], str) else None
            encoding = "utf8" if name in UTF8 else "latin1" if name in LATIN1 else None
        if encoding is None:
            self.problems.extend([*problems, (row, "encoding_unsupported", None)])
            return
        text = latin1 if encoding == "latin1" else utf8
        if text is None:
            self.problems.append((row, "file_encoding_invalid", None))
            return
        kind, record = parse_json(text)
        if kind != "object":
            self.problems.append((row, kind, None))
            return
        self.json_record(row, record, problems)

    def json_record(self, row, record, problems):  # noqa: C901, PLR0912 - the rules in their order
        action = record.get("action", "update")
        if not isinstance(action, str) or action not in ("update", "delete-field", "delete-key"):
            problems.append((row, "action_unsupported", None))
            action = None
        key = record.get("key")
        if key is not None and not isinstance(key, str):
            problems.append((row, "key_type_invalid", None))
        else:
            rule = self.key_rule(key or "", "key_required")
            if rule:
                problems.append((row, rule, None))
        data = record.get("data")
        has_data = isinstance(data, dict) and len(data) > 0
        effect = Effect(action, row)
        if action == "delete-key":
            if "data" in record:
                problems.append((row, "data_forbidden_delete_key", None))
        elif action and not has_data:
            problems.append(
                (
                    row,
                    "data_required_update" if action == "update" else "data_required_delete_field",
                    None,
                )
            )
        elif action:
            problems.extend(
                (row, "unknown_header", name) for name in data if name not in self.columns
            )
            for name in data:
                if name in self.columns and action == "delete-field":
                    effect.cleared.add(name)
                elif name in self.columns:
                    self.json_cell(effect, problems, name, data[name])
        self.finish(row, key, effect, problems)

    def json_cell(self, effect, problems, name, cell):
        kind = self.columns[name]
        if isinstance(cell, list):
            elements = [self.scalar(element) for element in cell]
            if kind != "list[string]" or None in elements:
                problems.append((effect.row, "value_type_invalid", name))
                return
            text = self.delimiter.join(elements)
            if elements and elements not in ([EMPTY], [DELETE]):
                _, rule = self.value(effect.row, "text", text)
                value = None
                if not rule:
                    value, rule = self.list_value(effect.row, elements)
                self.settle(effect, problems, name, value, rule)
                return
        elif isinstance(cell, dict):
            problems.append((effect.row, "value_type_invalid", name))
            return
        else:
            text = "" if cell is None else self.scalar(cell)
        if text == DELETE:
            problems.append((effect.row, "value_reserved_token", name))
            return
        self.cell(effect, problems, name, text)

    @staticmethod
    def scalar(cell):
        if cell is True or cell is False:
            return str(cell).lower()
        if isinstance(cell, Literal):
            return cell.text
        return cell if isinstance(cell, str) else None


class Literal:
    def __init__(self, text):
        self.text = text


def parse_json(text):
    """("object", members) or (rule, None)."""

    def members(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("twice")
        return dict(pairs)

    def constant(_):
        raise ValueError("constant")

    try:
        value = json.loads(
            text,
            object_pairs_hook=members,
            parse_int=Literal,
            parse_float=Literal,
            parse_constant=constant,
        )
        for string in strings_of(value):
            string.encode("utf-8")
    except (ValueError, RecursionError):
        return "json_syntax", None
    return ("object", value) if isinstance(value, dict) else ("json_record_not_object", None)


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from strings_of(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from strings_of(member)


def split_records(text, delimiter, is_csv):
    """Records as lists of fields, None if the quoting is broken; blank lines are left out."""
    place = 0
    while place < len(text):
        fields, quoted, broken = [], False, False
        while True:
            field, was_quoted, is_broken, place, ends_record = read_field(
                text, place, delimiter, is_csv
            )
            fields.append(field)
            quoted |= was_quoted
            broken |= is_broken
            if ends_record:
                break
        if broken:
            yield None
        elif fields != [""] or quoted:
            yield fields


def read_field(text, place, delimiter, is_csv):  # noqa: C901, PLR0912 - one state machine
    """(field, was quoted, is broken, next place, was the last of its record)."""
    state, field, broken, was_quoted = "start", "", False, False
    while True:
        rest = text[place : place + 2]
        if state == "quoted":
            if rest == "":
                return "", True, True, place, True
            if rest == '""':
                field += '"'
                place += 2
            elif rest[0] == '"':
                state = "after"
                place += 1
            else:
                field += rest[0]
                place += 1
            continue
        line_end = 2 if rest == "\r\n" else 1 if rest[:1] == "\n" or rest == "\r" else 0
        if rest == "" or line_end or rest[0] == delimiter:
            if is_csv and state in ("start", "plain"):
                field = field.strip(" ")
            if rest != "" and not line_end:
                return field, was_quoted, broken, place + 1, False
            return field, was_quoted, broken, place + line_end, True
        if state == "start" and rest[0] == '"':
            state, field, was_quoted = "quoted", "", True
        elif state == "start" and is_csv and rest[0] == " ":
            field += " "
        elif state == "after":
            if not (is_csv and rest[0] == " "):
                broken = True
        else:
            state = "plain"
            field += rest[0]
            broken |= is_csv and rest[0] == '"'
        place += 1
