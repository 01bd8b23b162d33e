"""`client.imports`: tasks made of files and of what lies in a connector, waited for, steered, and looked into."""

import pytest
import waybill

from resources.kernel.errors import ConflictError, InputError, NotFoundError, UnknownNameError
from tests.orchestration.importing import hold, release, served_library
from tests.served import wait_until


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with served_library(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture(scope="module")
def imports(place):
    return waybill.Client(place[0].url).imports


def test_files_are_sent_imported_and_told_of(imports, tmp_path):
    files = {"a.txt": b"One.", "b.pdf": b"no pdf"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    made = imports.create(
        "library",
        files=[tmp_path / name for name in files],
        folder="sent",
        fields=[{"key": "stem", "source": "path", "pattern": r"(\w+)\.\w+$"}],
        start=True,
    )
    assert (made.via, made.folder, made.definition["options"]["fields"][0]["key"]) == (
        *("api", "sent"),
        "stem",
    )
    done = imports.wait(made.id)
    assert (done.state, done.created, done.failed) == ("completed", 1, 1)
    assert [(one.name, one.state) for one in imports.items(made.id)] == [
        *(("a.txt", "done"), ("b.pdf", "failed"))
    ]
    assert [one.name for one in imports.failures(made.id)] == ["b.pdf"]
    assert imports.wait(imports.retry(made.id).id).failed == 1


def test_one_is_stopped_gone_on_with_and_deleted(imports, place):
    hold(place[1])
    made = imports.create(
        "library", connector="slow", path="*.txt", name="Slow", folder="c", key="k"
    )
    assert (
        imports.create(
            "library", connector="slow", path="*.txt", name="Slow", folder="c", key="k"
        ).id
        == made.id
    )
    with pytest.raises(ConflictError, match="not started"):
        imports.wait(made.id)
    imports.start(made.id)
    wait_until(lambda: imports.show(made.id).done == 3)
    with pytest.raises(ConflictError, match="already running") as caught:
        imports.start(made.id)
    assert caught.value.facts["state"] == "importing"
    imports.stop(made.id)
    wait_until(lambda: imports.show(made.id).state == "stopped")
    release(place[1])
    assert [(one.id, one.ok) for one in imports.start_all([made.id, 999_999])] == [
        *((made.id, True), (999_999, False))
    ]
    assert imports.wait(made.id).done == 6
    assert [one.name for one in imports.list(q="slow", state=["completed"], limit=1)] == ["Slow"]
    imports.delete(made.id)
    with pytest.raises(NotFoundError):
        imports.show(made.id)


def test_what_cannot_be_is_told_as_at_the_command_line(imports):
    with pytest.raises(InputError, match="one source"):
        imports.create("library", addresses=["https://example.org"], connector="lake", path="**")
    with pytest.raises(InputError, match="https://"):
        imports.create("library", addresses=["http://example.org"])
    with pytest.raises(UnknownNameError, match="librar"):
        imports.create("librar", connector="lake", path="**")
    with pytest.raises(InputError, match="ocrr"):
        imports.create("library", connector="lake", path="**", ocrr=True)
    assert "document" in {one.group for one in imports.formats().formats}
