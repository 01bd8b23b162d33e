"""What is said of bytes that are no UTF-8: encodings that people use, and that the letters have to be looked at."""

import pytest

from resources.formats.decoding import detect_encoding, not_decodable
from resources.formats.files import SourceFile
from resources.kernel.errors import ParseError


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


def test_french_is_not_called_cyrillic_first(tmp_path):
    """Formats A19: single letters in words of Latin letters are no Cyrillic."""
    text = "ville;département\nChâteauroux;Indre\nSaint-Étienne;Loire\nNîmes;Gard\nBésançon;Doubs\n"
    error = not_decodable(SourceFile("a", tmp_path), "utf-8", 3, 1, text.encode("cp1252"))
    assert "for instance `encoding: cp1252`" in error.hint


@pytest.mark.parametrize(
    ("head", "hint"),
    [
        (b"id,name\n" + b"0,ab\0\0\0\0\0\0\0\0\n" * 9, "`encoding: utf-8` reads them"),
        (b"id,name\n1,a\n" + bytes(512), "`encoding: utf-8` reads them"),
        (bytes(4096), "not written to its end"),
        ("id,name\n1,a\n".encode("utf-32-le"), "utf-32-le"),
    ],
    ids=["padded", "block", "nothing else", "utf-32"],
)
def test_many_nul_bytes_are_not_always_utf_16(tmp_path, head, hint):
    """Reliability A6, formats A19."""
    with pytest.raises(ParseError, match="many NUL bytes") as caught:
        detect_encoding(SourceFile("a", tmp_path), head, None)
    assert hint in caught.value.hint
