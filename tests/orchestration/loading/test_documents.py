"""What Dagster's loader would take silently is refused with file and line (T36)."""

from __future__ import annotations

import pytest

from orchestration.loading import documents
from orchestration.loading.documents import read_documents
from resources.kernel.errors import ConfigError

GOOD = "type: a\nattributes: {name: x}\n---\ntype: a\nattributes:\n  - &k {name: x, at: 1}\n  - {<<: *k, name: y}\n"


@pytest.fixture
def file(tmp_path):
    folder = tmp_path / "orders"
    folder.mkdir()
    return folder / "defs.yaml"


def test_documents_of_one_file_may_repeat_each_others_keys(file):
    file.write_text(GOOD)
    read_documents(file)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("type: a\nattributes:\n  table: one\n  name: x\n  table: two\n", 5),
        ("type: a\n---\ntype: b\nattributes:\n  columns:\n    - name: k\n      name: v\n", 7),
        ("type: a\ntype: b\n", 2),
    ],
)
def test_a_key_given_twice_is_refused_where_it_stands(file, text, line):
    file.write_text(text)
    with pytest.raises(ConfigError, match=rf"orders/defs\.yaml:{line}: .* is given twice"):
        read_documents(file)


def test_an_alias_bomb_is_refused_before_it_grows(file):
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 12)]
    file.write_text("l0: &l0 [x]\n" + "\n".join(levels))
    with pytest.raises(ConfigError, match="99 aliases"):
        read_documents(file)


def test_what_is_no_yaml_names_the_line(file):
    file.write_text("type: a\nattributes:\n  name: [x\n")
    with pytest.raises(ConfigError, match=r"defs\.yaml:4: this is no YAML"):
        read_documents(file)


def test_a_huge_file_is_refused(file, monkeypatch):
    monkeypatch.setattr(documents, "MAX_BYTES", 100)
    file.write_text(GOOD * 2)
    with pytest.raises(ConfigError, match="too many for a component file"):
        read_documents(file)
