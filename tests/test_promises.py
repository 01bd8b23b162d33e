"""Rule ids are explained: each that the code names stands in the docs, and the page of rules holds none that is dead."""

import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RULE = r"(?:[RETGJC]\d{1,2}|F\d{3}|2[a-d])"
MENTION = re.compile(rf"(?<![\w&#]){RULE}(?:\s?-\s?{RULE})?(?!\w)")
"""An id, or a range of them: `E27-E30`."""


def ids(text):
    """The ids in a text; a range counts for each id within it."""
    for mention in MENTION.findall(text):
        first, _, last = mention.replace(" ", "").partition("-")
        if last and first[0] == last[0] and first[1:].isdigit():
            yield from (
                f"{first[0]}{number}" for number in range(int(first[1:]), int(last[1:]) + 1)
            )
        else:
            yield from filter(None, (first, last))


def reasons(path):
    """The comments and texts of a module: where a rule is named as a reason."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            yield re.sub(r"noqa: [A-Z0-9, ]+", "", token.string)


def mentioned():
    """Id -> the files of the product that name it."""
    found = {}
    for package in ("resources", "assets", "orchestration"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for rule in ids("\n".join(reasons(path))):
                found.setdefault(rule, set()).add(path.relative_to(ROOT).as_posix())
    return found


def explained(page):
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    return {rule for row in rows for rule in ids(row)}


def test_each_id_in_the_code_is_explained():
    known = explained("promises.md") | explained("features.md")
    unknown = {rule: sorted(files) for rule, files in mentioned().items() if rule not in known}
    assert not unknown


ELSEWHERE = re.compile(
    r"\((?:[a-z]+-)+[a-z]+ \d[^)]*\)|\bDESIGN\b|\b[Ss]ection \d|\bspec(?:ification)? \d"
)
"""A chapter of a document that is not in the repository: `(some-document 4.2)`."""


def test_no_reason_stands_in_a_document_elsewhere():
    named = {
        path.relative_to(ROOT).as_posix(): found
        for package in ("resources", "assets", "orchestration")
        for path in sorted((ROOT / package).rglob("*.py"))
        if (found := ELSEWHERE.findall("\n".join(reasons(path))))
    }
    assert not named


def test_the_page_of_rules_holds_none_that_nothing_uses():
    used = set(mentioned()) | explained("features.md")
    assert sorted(explained("promises.md") - used) == []
