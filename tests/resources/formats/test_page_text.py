from __future__ import annotations

import pytest

from resources.formats.page_text import codec_of, decode_page

JAPANESE = "<p>日本語のテキストです。これは長い文章です。</p>"
FRENCH = "<p>Crème brûlée, “à la carte”: 5 €</p>"
RUSSIAN = "<p>Съешь ещё этих мягких французских булок, да выпей чаю</p>"


@pytest.mark.parametrize(
    ("text", "codec", "announced"),
    [
        (JAPANESE, "utf-8", ""), (JAPANESE, "utf-8-sig", "shift_jis"), (JAPANESE, "utf-16", ""), (JAPANESE, "utf-16", "utf-8"),
        (JAPANESE, "cp932", "Shift_JIS"), (JAPANESE, "cp932", "x-sjis"), (JAPANESE, "euc_jp", "EUC-JP"), (JAPANESE, "iso2022_jp", "iso-2022-jp"),
        ("<meta charset=shift_jis>" + JAPANESE, "cp932", ""), ('<meta http-equiv="Content-Type" content="text/html; charset=EUC-JP">' + JAPANESE, "euc_jp", ""),
        ("<?xml version='1.0' encoding='Shift_JIS'?>" + JAPANESE, "cp932", ""),
        (FRENCH, "cp1252", "iso-8859-1"), (FRENCH, "cp1252", "latin-1"), (FRENCH, "cp1252", "utf-8"), (FRENCH, "cp1252", ""),
        ("<meta charset='utf-16'>" + FRENCH, "utf-8", ""), (FRENCH, "utf-8", "no-such-charset"), (FRENCH, "utf-8", "us-ascii; x"),
        (RUSSIAN, "cp1251", "windows-1251"), (RUSSIAN, "cp1251", ""), (RUSSIAN, "koi8-r", "koi8-r"),
    ],
)  # fmt: skip
def test_pages_in_many_encodings(text, codec, announced):
    assert decode_page(text.encode(codec), announced) == text


def test_one_broken_character_does_not_change_all_others():
    data = (RUSSIAN * 50).encode() + b"\xff" + RUSSIAN.encode()
    assert decode_page(data, "utf-8") == RUSSIAN * 50 + "\ufffd" + RUSSIAN


@pytest.mark.parametrize(
    "label", ["base64", "punycode", "idna", "rot13", "x", "", "utf-7", "a\x00b", "ü" * 50]
)
def test_labels_in_which_no_page_is_written(label):
    assert codec_of(label) == ""
    assert decode_page(b"<p>x</p>", label) == "<p>x</p>"


def test_bytes_that_are_no_text():
    assert len(decode_page(bytes(range(256)) * 1_000)) > 0
