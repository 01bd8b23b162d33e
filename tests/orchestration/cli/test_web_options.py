from __future__ import annotations

import pytest
import typer

from orchestration.cli.web_options import WebOptions
from resources.import_tasks.definition import MOST_PAGES, Crawl, WebSource
from resources.kernel.errors import InputError

URL = "https://news.example/"


def test_without_pages_there_is_no_source():
    assert WebOptions().source() is None
    with pytest.raises(typer.BadParameter, match="--include needs --url"):
        WebOptions(include=["/a"]).source()


def test_addresses_of_options_and_of_a_list(tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(f"# mine\n{URL}a\n")
    assert WebOptions([URL], listed).source() == WebSource((URL, f"{URL}a"), "", None)
    listed.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not in UTF-8"):
        WebOptions([URL], listed).source()
    with pytest.raises(InputError, match="cannot be read"):
        WebOptions([URL], tmp_path / "none.txt").source()


def test_crawls_and_filters():
    crawl = WebOptions([URL], depth=2, exclude=["*print*"], delay=0).source().crawl
    assert crawl == Crawl(depth=2, exclude=("*print*",), pages=100, delay=0)
    filtered = WebOptions(sitemap=URL, include=["/news/*"]).source().crawl
    assert filtered == Crawl(depth=0, include=("/news/*",), pages=MOST_PAGES)
    assert WebOptions([URL], depth=1, same_site=False, pages=7).source().crawl == Crawl(same_site=False, pages=7)  # fmt: skip
