"""Filters as people write them, and as trees: `type = image and lux in 1..5 and not weather in (fog, rain)`.

    filter      = any
    any         = all ("or" all)*
    all         = one ("and" one)*
    one         = "not" one | "(" any ")" | comparison
    comparison  = field ("=" | "!=" | "<" | "<=" | ">" | ">=") value
                | field ("~" | "!~") value              the text holds it, in capitals or small letters
                | field ["not"] "in" "(" value, ... ")"
                | field ["not"] "in" value ".." value    both ends belong to it; one may be missing
                | field "exists" | field "missing"

A field or a value stands as it is, or in single or double quotes, in which a backslash takes the next character as it is. A
quoted field is a declared key, whatever it is called. Words in between may be written in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from resources.kernel.errors import InputError

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~", "!~"]

LONGEST = 10_000
"""Characters of a filter."""
DEEPEST = 50
"""Parentheses and `not` within each other."""
MOST_VALUES = 1_000
"""Of one `in (...)`."""


class Word(msgspec.Struct, frozen=True):
    """A field or a value, and where it stands."""

    text: str
    at: int
    """Characters before it."""
    is_quoted: bool = False


class Compared(msgspec.Struct, frozen=True, tag=True):
    """`lux >= 3`."""

    field: Word
    operator: Operator
    value: Word


class OneOf(msgspec.Struct, frozen=True, tag=True):
    """`weather in (fog, rain)`."""

    field: Word
    values: tuple[Word, ...]


class Within(msgspec.Struct, frozen=True, tag=True):
    """`lux in 1..5`; an end that is None is open."""

    field: Word
    low: Word | None
    high: Word | None


class Exists(msgspec.Struct, frozen=True, tag=True):
    """`lux exists`."""

    field: Word


class Not(msgspec.Struct, frozen=True, tag=True):
    """What the part does not find, items without a value included."""

    part: Filter


class And(msgspec.Struct, frozen=True, tag=True):
    """All of them."""

    parts: tuple[Filter, ...]


class Or(msgspec.Struct, frozen=True, tag=True):
    """One of them at least."""

    parts: tuple[Filter, ...]


Filter = Compared | OneOf | Within | Exists | Not | And | Or


class FilterError(InputError):
    """A filter that cannot be understood, with the place.

    Args:
        text: the filter.
        at: characters before the place.
        reason: what is wrong there.
        hint: what to do.
    """

    def __init__(self, text: str, at: int, reason: str, *, hint: str = "") -> None:
        shown = f"{text[max(0, at - 20) : at]}►{text[at : at + 20]}"
        super().__init__(
            f"filter, character {at + 1}: {reason}: {shown}", hint=hint, at=at, reason=reason
        )


class _Token(NamedTuple):
    kind: Literal["word", "quoted", "sign", "end"]
    text: str
    at: int


_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<sign>\.\.|!=|!~|<=|>=|[=<>~(),])"""
    r"""|(?P<word>(?:(?!\.\.)[^\s"'=<>~!(),])+))""",
    re.DOTALL,
)
_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">=", "~", "!~"})
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_EXAMPLE = "For example: type = image and lux >= 3 and not weather in (fog, rain)"


def parse_filter(text: str) -> Filter:
    """A filter as a tree; which fields there are is not known here.

    Raises:
        FilterError: it is none; with the place.
    """
    if len(text) > LONGEST:
        raise FilterError(text, LONGEST, f"it is longer than {LONGEST:,} characters")
    return _Parser(text).parse()


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while rest := text[at:].strip():
        start = text.index(rest[0], at)
        found = _TOKEN.match(text, at)
        if found is None:
            is_quote = text[start] in "\"'"
            reason = "a quote that does not end" if is_quote else "what is this"
            raise FilterError(text, start, reason, hint=_EXAMPLE)
        at = found.end()
        if (quoted := found["quoted"]) is not None:
            yield _Token("quoted", _ESCAPED.sub(r"\1", quoted[1:-1]), start)
        elif (sign := found["sign"]) is not None:
            yield _Token("sign", sign, start)
        else:
            yield _Token("word", found["word"], start)
    yield _Token("end", "", len(text))


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._all = list(_tokens(text))
        self._place = 0

    def parse(self) -> Filter:
        found = self._any(0)
        if self._next.kind != "end":
            raise self._unexpected("`and`, `or` or the end")
        return found

    @property
    def _next(self) -> _Token:
        return self._all[self._place]

    def _any(self, depth: int) -> Filter:
        parts = [self._all_of(depth)]
        while self._take_word("or"):
            parts.append(self._all_of(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all_of(self, depth: int) -> Filter:
        parts = [self._one(depth)]
        while self._take_word("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise FilterError(self._text, self._next.at, f"more than {DEEPEST} parts in each other")
        if self._take_word("not"):
            return Not(self._one(depth + 1))
        if self._take_sign("("):
            found = self._any(depth + 1)
            self._expect(")")
            return found
        return self._comparison()

    def _comparison(self) -> Filter:
        field = self._word("a field")
        if self._next.text in _OPERATORS and self._next.kind == "sign":
            operator: Operator = self._advance().text  # type: ignore[assignment]  # one of them
            return Compared(field, operator, self._word("a value"))
        if self._take_word("exists"):
            return Exists(field)
        if self._take_word("missing"):
            return Not(Exists(field))
        if self._take_word("in"):
            return self._membership(field)
        if self._take_word("not"):
            if not self._take_word("in"):
                raise self._unexpected("`in`")
            return Not(self._membership(field))
        raise self._unexpected("=, !=, <, <=, >, >=, ~, `in`, `exists` or `missing`")

    def _membership(self, field: Word) -> Filter:
        if not self._take_sign("("):
            return self._range(field)
        values = [self._word("a value")]
        while self._take_sign(","):
            values.append(self._word("a value"))
            if len(values) > MOST_VALUES:
                raise FilterError(self._text, values[-1].at, f"more than {MOST_VALUES:,} values")
        self._expect(")")
        return OneOf(field, tuple(values))

    def _range(self, field: Word) -> Filter:
        low = None if self._next.text == ".." else self._word("a value, `..` or (")
        if not self._take_sign(".."):
            raise self._unexpected("`..`, as in `in 1..5`, or parentheses, as in `in (1, 5)`")
        is_open = self._next.kind not in {"word", "quoted"} or self._is_word("and", "or")
        high = None if is_open else self._word("a value")
        if low is None and high is None:
            raise self._unexpected("a value at one end of the range")
        return Within(field, low, high)

    def _word(self, expected: str) -> Word:
        if self._next.kind not in {"word", "quoted"}:
            raise self._unexpected(expected)
        token = self._advance()
        return Word(token.text, token.at, token.kind == "quoted")

    def _is_word(self, *words: str) -> bool:
        return self._next.kind == "word" and self._next.text.lower() in words

    def _take_word(self, word: str) -> bool:
        if self._is_word(word):
            self._advance()
            return True
        return False

    def _take_sign(self, sign: str) -> bool:
        if self._next.kind == "sign" and self._next.text == sign:
            self._advance()
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take_sign(sign):
            raise self._unexpected(f"`{sign}`")

    def _advance(self) -> _Token:
        token = self._next
        self._place += 1
        return token

    def _unexpected(self, expected: str) -> FilterError:
        found = "the end" if self._next.kind == "end" else f"{self._next.text!r}"
        return FilterError(
            self._text, self._next.at, f"expected {expected}, found {found}", hint=_EXAMPLE
        )
