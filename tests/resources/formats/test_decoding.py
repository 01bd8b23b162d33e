"""What is said of bytes that are no UTF-8: encodings that people use, and that the letters have to be looked at."""

import pytest

from resources.formats.decoding import not_decodable
from resources.formats.files import SourceFile


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Kunde;Umsatz\nMüller;1.234,50\nGroß;2,00\n", "cp1252"),
        ("Preis;N\n1,50 €;x\n2,00 €;y\n", "cp1252"),
        ("a,b\nMüller,1\n", "cp1252"),
        ('[{"a":"ü"}]', "cp1252"),
        ("Москва;привет\n", "cp1251"),
        ("名前,値\n東京,1\n", "cp932"),
    ],
)
def test_the_encodings_to_try_are_those_in_use(tmp_path, text, encoding):
    """The right one is among them, none is of DOS, and nobody is told to be sure (E29)."""
    error = not_decodable(SourceFile("a", tmp_path), "utf-8", 3, 1, text.encode(encoding))
    assert f"`encoding: {encoding}`" in error.hint
    assert "cp862" not in error.hint
    assert "cp437" not in error.hint
    assert "probably" not in error.hint
    assert "look at its letters" in error.hint
