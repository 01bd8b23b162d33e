"""Import tasks by clicking: made, started, stopped, gone on with, deleted; by keyboard alone; on a phone; while the list refreshes itself."""

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.orchestration.importing import Tasks, hold, release, served_library
from tests.served import wait_until
from tests.servers.chromium import watched_page

HTML = "<img src=x onerror=alert(1)>"
FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with served_library(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture(scope="module")
def shop(place):
    return place[0]


@pytest.fixture
def slow(place):
    hold(place[1])
    return place[1]


@pytest.fixture
def tasks(shop):
    with shop.client(headers={"Origin": shop.url}) as client:
        yield Tasks(client, shop)


def row(page, name):
    return page.locator("#tasks tr").filter(has_text=name)


def wait_for_focus(page, text):
    wait_until(lambda: page.evaluate(FOCUSED).strip() == text)


def tabs(page):
    """Titles of the tabs, and their counts."""
    texts = page.locator("#states li").all_inner_texts()
    return {text.rpartition(" ")[0]: int(text.rpartition(" ")[2]) for text in texts}


def test_a_task_is_made_started_stopped_and_gone_on_with(shop, chromium, slow):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/collections")
        page.get_by_role("link", name="library").click()
        page.get_by_role("link", name="Import", exact=True).first.click()  # from what it goes into
        page.get_by_label("A connector").check()
        page.get_by_label("Connector", exact=True).select_option("slow")
        page.get_by_role("textbox", name="Path", exact=True).fill("*.txt")
        page.get_by_label("Name of the task").fill("Six notes")
        watched.check_accessible()
        page.get_by_role("button", name="Create", exact=True).click()
        page.locator("#task .badge", has_text="not started").wait_for()
        page.get_by_role("link", name="Imports").first.click()
        assert tabs(page)["Not started"] == 1
        page.get_by_role("link", name="Not started").click()
        assert page.locator("#tasks tr").count() == 1

        page.get_by_role("button", name="Start Six notes").click()
        page.get_by_text("Six notes was started").wait_for()
        page.get_by_text("No task is like that").wait_for()  # it is under another tab by now
        page.get_by_role("link", name="Importing").click()
        row(page, "Six notes").locator("small", has_text="3 of 6").wait_for()
        bar = page.get_by_role("progressbar", name="Progress of Six notes")
        assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("3", "6")
        assert "50" in row(page, "Six notes").inner_text()
        page.get_by_role("button", name="Stop Six notes").click()
        page.get_by_text("No task is like that").wait_for()
        page.get_by_role("link", name="Stopped").click()
        row(page, "Six notes").get_by_text("stopped").wait_for()
        watched.check_accessible()

        release(slow)
        page.get_by_role("button", name="Resume Six notes").click()
        page.get_by_role("link", name="Completed").click()
        row(page, "Six notes").locator("small", has_text="6 of 6").wait_for()
        assert tabs(page)["Stopped"] == 0


def test_only_connectors_that_the_target_names_can_be_chosen(shop, chromium):
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/imports/-/new?source=connector")
        target, connector = page.get_by_label("Target"), page.get_by_label("Connector", exact=True)

        def offered():
            found = connector.locator("option:not([disabled])").all_inner_texts()
            return [one for one in found if one]

        assert offered() == ["lake", "other", "slow"]
        connector.select_option("other")
        target.select_option("collection:library")
        assert (offered(), connector.input_value()) == (["lake", "slow"], "")
        page.get_by_text("library takes files from lake, slow alone").wait_for()
        target.select_option("dataset:sales")
        assert offered() == []
        page.get_by_text("sales takes files from no connector").wait_for()
        watched.check_accessible()
        target.select_option("new:dataset")
        assert offered() == ["lake", "other", "slow"]
        assert page.locator("#taken-from").inner_text() == ""


def test_to_delete_is_asked_first_and_what_was_imported_stays(shop, chromium, tasks):
    task = tasks.make(tasks.from_lake("notes/*.txt"), name="Three notes", start=True)
    tasks.ended(task)
    records = len(tasks.items_of_library())
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/imports?state=completed&q=three")
        page.get_by_role("button", name="Delete Three notes").click()
        dialog = page.get_by_role("dialog", name="Delete Three notes?")
        assert not dialog.get_by_label("Also remove the records").is_checked()
        watched.check_accessible()
        dialog.get_by_role("button", name="Cancel").click()
        dialog.wait_for(state="hidden")
        assert row(page, "Three notes").count() == 1
        page.get_by_role("button", name="Delete Three notes").click()
        dialog.get_by_role("button", name="Delete").click()
        page.get_by_text("1 deleted").wait_for()
        row(page, "Three notes").wait_for(state="detached")
        assert page.url.endswith("?state=completed&q=three")
    assert len(tasks.items_of_library()) == records
    assert tasks.client.get(f"{tasks.base}/{task['id']}").status_code == 404


def test_files_are_dropped_and_each_has_its_own_result(shop, chromium, tasks, tmp_path):
    long = f"{'n' * 150}\u202egpj.txt"
    files = {"good.txt": b"One.", "Zwei.MD": b"# Two", "broken.pdf": b"no", "strange.xyz": b"x", long: b"Long."}  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/imports/-/new?source=upload")
        assert "One file may have 2.0 MB" in page.locator("#drop").inner_text()
        page.get_by_label("Choose files").set_input_files([tmp_path / name for name in files])
        page.get_by_label("Target").select_option("collection:library")
        page.get_by_role("textbox", name="Folder").fill("dropped")
        page.get_by_role("button", name="Create and start").click()
        refused = page.get_by_text("files that end in .xyz are not taken")
        refused.wait_for()
        assert refused.bounding_box()["x"] < page.viewport_size["width"]  # no name moves it out
        assert f"{'n' * 150}\\u202egpj.txt" in page.locator("#files").inner_text()
        page.get_by_role("link", name="Go on without them").wait_for()
        assert page.get_by_role("button", name="Try those that failed").is_hidden()  # of no use
        watched.check_accessible()
        page.get_by_role("link", name="Go on without them").click()
        page.locator("#task .badge", has_text="completed").wait_for()
        items = page.locator("#items tbody tr")
        assert items.count() == 4
        reason = items.filter(has_text="broken.pdf").locator("code")
        assert reason.bounding_box()["x"] < page.viewport_size["width"]
        page.locator("#items").get_by_role("link", name="Failed").click()
        assert "broken.pdf" in items.inner_text()
        watched.check_accessible()
        with page.expect_download() as download:
            page.get_by_role("link", name="Failures as CSV").click()
        assert "broken.pdf" in download.value.path().read_text()
        page.get_by_role("link", name="Its items in library").click()
        page.get_by_text("good.txt").first.wait_for()


def test_a_dataset_takes_files_that_are_no_items_of_a_collection(shop, chromium, tasks, tmp_path):
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "sales.parquet")
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/imports/-/new?source=upload&target=dataset:sales")
        assert page.get_by_label("Choose files").get_attribute("accept") == ""
        page.get_by_label("Choose files").set_input_files(tmp_path / "sales.parquet")
        page.get_by_role("button", name="Create and start").click()
        page.locator("#task .badge", has_text="completed").wait_for()


def test_files_that_are_there_are_not_sent_again_when_the_form_was_wrong(
    shop, chromium, tasks, tmp_path
):
    (tmp_path / "there.txt").write_text("There.")
    with watched_page(chromium) as watched:
        watched.expected.add(422)
        page = watched.page
        page.goto(f"{shop.data}/imports/-/new?source=upload&target=collection:library")
        page.get_by_label("Choose files").set_input_files(tmp_path / "there.txt")
        folder = page.get_by_role("textbox", name="Folder")
        folder.fill("../up")
        page.get_by_role("button", name="Create and start").click()
        page.get_by_role("alert").wait_for()
        assert "1 file is there already" in page.locator(".when.upload").inner_text()
        folder.fill("right")
        page.get_by_role("button", name="Create", exact=True).click()
        page.locator("#task .badge", has_text="not started").wait_for()
        [one] = tasks.get("", q="there.txt")["items"]
        assert (one["folder"], one["source"]) == ("right", "there.txt")


def test_a_list_that_refreshes_leaves_choice_place_and_focus(shop, chromium, slow, tasks):
    names = [f"Kept {n:02}" for n in range(30)]
    for name in names:
        tasks.make(tasks.from_lake("*.txt"), name=name)
    working = tasks.make(
        tasks.from_lake("*.txt", "slow"), name="Kept busy", folder="busy", start=True
    )
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/imports?q=Kept&sort=name")
        page.get_by_label("Choose Kept 07").check()
        page.get_by_label("Choose Kept 20").check()
        button = page.get_by_role("button", name="Start Kept 20")
        button.scroll_into_view_if_needed()
        button.focus()
        before = page.evaluate("window.scrollY")
        row(page, "Kept busy").locator("small", has_text="3 of 6").wait_for()
        for _ in range(2):
            with page.expect_response(lambda answer: "/imports?" in answer.url):
                pass
        wait_for_focus(page, "Start Kept 20")
        assert page.evaluate("window.scrollY") == before
        assert page.get_by_label("Choose Kept 07").is_checked()
        assert page.locator("#count").inner_text() == "2 chosen"
        page.get_by_role("button", name="Start chosen").click()
        page.get_by_text("2 started").wait_for()
        assert page.url.endswith("?q=Kept&sort=name")
        page.get_by_label("All on this page").check()
        page.get_by_role("button", name="Stop chosen").click()
        page.get_by_text("asked to stop").wait_for()
        wait_until(lambda: tasks.get(str(working["id"]))["state"] == "stopped")
        page.get_by_role("button", name="Delete chosen").click()
        page.get_by_role("dialog", name="Delete 31 tasks?").get_by_role(
            "button", name="Delete"
        ).click()
        page.get_by_text("31 deleted").wait_for()
        page.get_by_text("No task is like that").wait_for()
        assert tabs(page)["All"] == 0


def tab_to(page, text):
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).strip() == text:
            return
    raise AssertionError(f"{text} is not reached by Tab on {page.url}")


def test_a_keyboard_is_enough(shop, chromium, slow, tasks):
    one = tasks.make(tasks.from_lake("*.txt", "slow"), name="By keyboard", folder="keys")
    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/imports?q=keyboard")
        tab_to(page, "Start By keyboard")
        page.keyboard.press("Enter")
        wait_for_focus(page, "Stop By keyboard")  # where the button was
        row(page, "By keyboard").locator("small", has_text="3 of 6").wait_for()
        page.keyboard.press("Enter")
        assert tasks.ended(one)["state"] == "stopped"
        wait_for_focus(page, "Resume By keyboard")
        tab_to(page, "Delete By keyboard")
        page.keyboard.press("Enter")
        assert page.evaluate(FOCUSED) == "Cancel"
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
        wait_for_focus(page, "Delete By keyboard")
        page.keyboard.press("Enter")
        tab_to(page, "Delete")
        page.keyboard.press("Enter")
        row(page, "By keyboard").wait_for(state="detached")
        wait_until(lambda: tasks.client.get(f"{tasks.base}/{one['id']}").status_code == 404)


def test_the_keyboard_waits_beside_the_button_that_deletes(shop, chromium, slow, tasks):
    """A run may take longer to stop than two refreshes come apart: until then it can only be deleted."""
    one = tasks.from_lake("*.txt", "slow")
    one = tasks.make(one, name="Slow to stop", folder="waits", start=True)
    others = re.compile(r'<form method="post" action="[^"]*/(start|stop)" .*?</form>', re.DOTALL)
    pressed, refreshes = [], []

    def being_stopped(route):
        answer = route.fetch()
        text = answer.text()
        refreshes.extend(pressed)
        if 0 < len(refreshes) < 3:
            text = others.sub("", text.replace(" data-at-work", ""))
            text = text.replace(" data-name=", " data-at-work data-name=")
        route.fulfill(response=answer, body=text)

    with watched_page(chromium) as watched:
        page = watched.page
        page.goto(f"{shop.data}/imports?q=stop")
        row(page, "Slow to stop").locator("small", has_text="3 of 6").wait_for()
        page.route("**/imports?q=stop", being_stopped)
        tab_to(page, "Stop Slow to stop")
        pressed.append("Stop")
        page.keyboard.press("Enter")
        assert tasks.ended(one)["state"] == "stopped"
        wait_for_focus(page, "Resume Slow to stop")
        assert len(refreshes) > 2
        page.unroute_all(behavior="ignoreErrors")


def test_pages_are_accessible_and_fit_and_say_what_they_show(shop, chromium, tasks):
    files = [
        ("file", (f"{HTML}.txt", b"x")),
        ("file", ("報告書.pdf", b"no")),
        ("file", ("a" * 150 + ".txt", b"")),
    ]
    one = tasks.ended(tasks.send(files, {"target": tasks.library, "name": HTML * 5, "start": True}))
    with watched_page(chromium) as watched:
        page = watched.page
        for path in (
            *("", "?state=failed", "/-/new", "/-/new?source=upload&target=collection:library"),
            *("/-/new?source=web&crawl=true", "/-/browse?connector=lake", "/-/formats"),
            *(f"/{one['id']}", f"/{one['id']}/delete"),
        ):
            page.goto(f"{shop.data}/imports{path}")
            for part in page.locator("details:not(.menu) > summary").all():
                if part.is_visible():
                    part.click()
            watched.check_looks()


def test_without_scripts_the_same_is_done_by_pages(shop, chromium, tasks):
    with watched_page(chromium, java_script_enabled=False) as watched:
        page = watched.page
        page.goto(f"{shop.data}/imports/-/new?target=collection:library")
        page.get_by_label("A connector").check()
        page.get_by_label("Connector", exact=True).select_option("lake")
        page.get_by_role("textbox", name="Path", exact=True).fill("notes/*.txt")
        page.get_by_label("Name of the task").fill("No script")
        page.get_by_role("button", name="Create", exact=True).click()
        page.goto(f"{shop.data}/imports?q=No+script")
        page.get_by_role("button", name="Start No script").click()
        assert "q=No+script" in page.url
        [one] = tasks.get("", q="No script")["items"]
        tasks.ended(one)
        page.reload()
        page.get_by_role("button", name="Delete No script").click()
        page.get_by_role("link", name="Cancel").click()
        assert "q=No+script" in page.url
        page.get_by_label("Choose No script").check()
        page.get_by_role("button", name="Delete chosen").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        assert tasks.get("", q="No script")["total"] == 0
