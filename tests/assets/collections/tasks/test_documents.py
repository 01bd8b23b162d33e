"""Documents by a task: their text becomes rows of the collection's table and of its chunks; what is wrong with one is its own error."""

import io
import json
import sqlite3
import zipfile
from contextlib import closing

import dagster as dg

from orchestration.services.runs.watch import run_here
from resources.stores.task_uploads import TaskUploads

HTML = "<html><head><title>On ferries</title></head><body><h1>Ferries</h1><p>They cross the sound.</p><h2>Fares</h2><p>Children ride free.</p></body></html>"
MARKDOWN = "# Report\n\nThe pump failed twice.\n\n| part | cost |\n|---|---|\n| seal | 12 |\n"


def packed(**members: bytes | str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_texts_are_columns_of_the_table_and_rows_of_chunks(bench):
    bench.put("2024/report.md", MARKDOWN)
    bench.put("2025/ferries.HTML", HTML)
    bench.put("2025/note.txt", "Grüße\n\nEin Satz.".encode("utf-16"))
    fields = [
        {"key": "year", "source": "path", "pattern": r"/(\d{4})/"},
        {"key": "part", "source": "regex", "pattern": r"The (\w+) failed"},
    ]
    done = bench.run("**", fields=fields)
    assert not done.reason, done.reason
    assert (done.state, done.created, done.failed) == ("completed", 3, 0)
    rows = {row["urls"][0].rpartition("/")[2]: row for row in bench.rows()}
    report, ferries, note = rows["report.md"], rows["ferries.HTML"], rows["note.txt"]
    assert (report["type"], report["folder"], report["meta_year"]) == ("document", "in", 2024)
    assert "| seal | 12 |" in report["text"]
    assert json.loads(report["tables"]) == [[["part", "cost"], ["seal", "12"]]]
    assert json.loads(report["metadata"]) == {"year": 2024, "part": "pump"}
    assert (ferries["title"], ferries["type"]) == ("On ferries", "document")
    assert (note["type"], note["characters"]) == ("text", 14)
    assert "Grüße" in note["text"]
    chunks = [(one["title"], one["headings"], one["number"]) for one in bench.rows("docs/chunks")]
    assert ("On ferries", ["Ferries", "Fares"], 2) in chunks


def test_chunks_are_read_by_transforms_embeddings_and_exporters_like_any_dataset(bench, tmp_path):
    bench.put("report.md", MARKDOWN)
    bench.put("ferries.html", HTML)
    bench.run("*")
    place = bench.place
    made = [["datasets", "pieces"], ["embeddings", "piece_vectors"], ["exports", "pieces_out"]]
    assets = [dg.AssetKey(key) for key in made]
    run_here(place.home, place.instance, place.location.asset_job(), lambda _: None, assets=assets)
    assert {row["title"] for row in bench.rows("pieces")} == {"Report", "On ferries"}
    with closing(sqlite3.connect(tmp_path / "warehouse.sqlite")) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM pieces")
    vectors = place.location.store().read(("embeddings", "piece_vectors"))
    assert count == vectors.version.rows == len(bench.rows("docs/chunks")) == 3


def test_other_options_read_the_same_bytes_again_and_the_same_ones_do_not(bench):
    bench.put("a.md", MARKDOWN)
    first = bench.run("a.md")
    [row] = bench.rows()
    assert (first.created, bench.run("a.md").unchanged) == (1, 1)
    again = bench.run("a.md", output="json", title=False)
    assert again.updated == 1
    [after] = bench.rows()
    assert after["id"] == row["id"]
    assert (row["title"], after["title"]) == ("Report", "a.md")
    assert json.loads(after["text"])["blocks"]


def test_an_archive_is_its_members_each_with_its_own_result(bench):
    data = packed(**{
        "x/one.txt": "One.", "x/ONE.TXT": "Two.", "__MACOSX/._one.txt": "no", "deep.zip": packed(a="b"),
        "b.exe": "MZ", "empty.md": "", "two.md": "# Two\n\nText.",
    })  # fmt: skip
    done = bench.run(
        bench.uploads(**{"all.zip": data, "bad.zip": b"PK\x03\x04cut", "plain.txt": b"Plain."})
    )
    failed = {item.name: item.rule for item in bench.items(done.id, state="failed")}
    assert failed == {
        "all.zip/x/ONE.TXT (1)": "name_not_allowed",
        "all.zip/deep.zip": "format_not_taken",
        "all.zip/b.exe": "format_not_taken",
        "all.zip/empty.md": "empty",
        "bad.zip": "archive_refused",
    }
    assert (done.state, done.done, done.total) == ("completed", 3, 8)
    assert sorted(row["urls"][0] for row in bench.rows()) == [
        "upload:/all.zip/two.md",
        "upload:/all.zip/x/one.txt",
        "upload:/plain.txt",
    ]
    again = bench.run(bench.uploads(**{"all.zip": data}))
    assert (again.created, again.unchanged, again.failed) == (0, 2, 4)


def test_a_hostile_archive_brings_nothing(bench):
    evil = io.BytesIO()
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("fine.txt", "Fine.")
        archive.writestr("../../outside.txt", "Outside.")
    bomb = packed(**{"zeros.txt": b"\0" * 600_000_000})
    done = bench.run(bench.uploads(**{"evil.zip": evil.getvalue(), "bomb.zip": bomb}))
    assert done.state == "failed"
    assert done.reason.startswith("all 2 items failed")
    told = {item.name: item.message for item in bench.items(done.id)}
    assert "points outside" in told["evil.zip"]
    assert "unpack" in told["bomb.zip"]
    assert bench.rows() == []
    assert not (bench.lake.parent.parent / "outside.txt").exists()


def test_a_scanned_or_empty_text_is_no_empty_success(bench):
    bench.put("blank.html", "<html><body>  </body></html>")
    bench.put("big.txt", "x" * 1_000_001)
    bench.put("fake.docx", "no archive at all")
    done = bench.run("*")
    rules = {item.name: item.rule for item in bench.items(done.id)}
    assert rules == {"big.txt": "over_size", "blank.html": "no_text", "fake.docx": "type_mismatch"}


def test_nothing_found_says_what_is_there(bench):
    bench.put("reports/a.PDF", "x")
    bench.put("reports/deep/b.pdf", "x")
    bench.put("other/c.pdf", "x")
    done = bench.run("reports/*.pdf")
    assert (done.state, done.total) == ("failed", None)
    for told in ("'reports/a.PDF' differs in capital letters", "'other/c.pdf' does not lie in", "'reports/deep/b.pdf' lies in another folder"):  # fmt: skip
        assert told in done.reason
    bench.put("reports/d.pdf", "x")
    assert bench.retry(done.id).total == 1


def test_one_failure_ends_the_task_where_that_was_asked_for(bench):
    for number in range(5):
        bench.put(f"{number}.txt", f"Text {number}." if number != 2 else "")
    done = bench.run("*.txt", ignore_errors=False)
    assert done.state == "failed"
    assert "2.txt: it has 0 bytes (empty)" in done.reason
    bench.put("2.txt", "Mended.")
    mended = bench.retry(done.id)
    assert (mended.state, mended.done, mended.failed) == ("completed", 5, 0)
    assert len(bench.rows()) == 5


def test_delete_keeps_what_was_imported_unless_asked(bench):
    from orchestration.services.import_tasks.steering import delete_task

    for name, records in (("a", False), ("b", True)):
        done = bench.run(bench.uploads(**{f"{name}.txt": f"Text {name}.".encode()}))
        folder = TaskUploads.open().of(done.id)._folder
        assert folder.is_dir()
        assert delete_task(bench.records, done.id, "ada", remove_records=records) is None
        assert not folder.exists()
    assert [item.title for item in bench.in_collection()] == ["a.txt"]
    again = bench.run(bench.uploads(**{"b.txt": b"Text b."}))
    assert again.created == 1
