"""kill -9 at every step of a tag, a pin, a restoring, a collection and a removal beside tags, and all of them at once.

An implementation's test class inherits `VersionStoreTagKillContract` and supplies `open_store` and `steps`, as for
`version_store_kills.py`.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from resources.kernel.errors import NotFoundError
from resources.stores.removal import remove_versions
from resources.stores.versions import VersionedItem
from tests.contract.version_store import KEY, NOW, data_folders, named_folders, publish
from tests.contract.version_store_tags import TAG, TagStores, assert_tags_hold, fill
from tests.faults import Child, count_steps, kill_at


@pytest.mark.kill
class VersionStoreTagKillContract(TagStores):
    """kill -9 at each step: no tag names what is not there, and the next collection leaves nothing behind."""

    tag_stride = 1
    """Take every so-manieth step."""
    turns = 12
    """How often each of those does something that are at it at once."""

    @pytest.mark.parametrize("act", ["tag", "move", "untag", "pin", "collect", "restore", "remove"])
    def test_killed_at_every_step(self, open_store, item, steps, act):
        def body() -> None:
            _act(open_store().item(KEY), act)

        _prepare(item)
        names = count_steps(body, steps)
        assert len(names) >= 4
        for step, name in list(enumerate(names))[self.tag_stride - 1 :: self.tag_stride]:
            _prepare(item)
            tags = set(item.tagging.read().tags)
            if not kill_at(body, steps, step).killed:
                continue
            assert_tags_hold(item)
            if act != "remove":
                assert set(item.tagging.read().tags) >= tags - {"gone"}, f"lost after {name}"
            item.collect(keep=2, grace=NOW)
            assert_tags_hold(item)
            _act(item, act)  # a second call goes on
            assert_tags_hold(item)
            item.tagging._log.retention.change(_without_holds)
            item.collect(keep=2, grace=NOW)
            assert data_folders(item) == named_folders(item), f"left behind after {name}"

    def test_taggers_collectors_writers_and_restorers_at_once(self, open_store, item):
        fill(item, 4)

        def writer() -> None:
            one = open_store().item(KEY)
            # Without grace it would take the unfinished files of the others.
            one._log.storage.remove_unfinished = lambda *_: None
            for turn in range(self.turns):
                publish(one, f"writer-{turn}")
                one.collect(keep=2, grace=NOW)

        def tagger(who: str) -> list[str]:
            one, given = open_store().item(KEY), []
            for turn in range(self.turns):
                try:
                    one.tagging.tag(f"{who}-{turn}", one.numbers()[-1 - turn % 3])
                    given.append(f"{who}-{turn}")
                    if turn % 2:
                        one.tagging.untag(given.pop())
                except (NotFoundError, IndexError):
                    pass
            return given

        def restorer() -> None:
            one = open_store().item(KEY)
            for turn in range(self.turns):
                with suppress(NotFoundError):
                    one.restore(one.numbers()[0], run_id=f"restorer-{turn}")

        children = [
            Child(body) for body in (writer, restorer, lambda: tagger("one"), lambda: tagger("two"))
        ]
        outcomes = [child.wait() for child in children]
        assert [outcome.status for outcome in outcomes] == [0] * 4
        assert set(item.tagging.read().tags) == {*outcomes[2].answer, *outcomes[3].answer}
        assert_tags_hold(item)
        assert len(item.numbers()) == len(set(item.numbers()))
        item.collect(keep=1, grace=NOW)
        assert_tags_hold(item)


def _prepare(item: VersionedItem) -> None:
    """Some versions, old ones among them, and tags of which one is to go."""
    remove_versions(item._log, with_tags=True)
    fill(item, 5)
    first = item.numbers()[0]
    item.tagging.tag("kept", first)
    item.tagging.tag("gone", first + 1)


def _act(item: VersionedItem, act: str) -> None:
    numbers = item.numbers()
    if act == "tag":
        item.tagging.tag(TAG, numbers[-2])
    elif act == "move":
        item.tagging.tag("gone", numbers[-2], move=True)
    elif act == "untag" and "gone" in item.tagging.read().tags:
        item.tagging.untag("gone")
    elif act == "pin":
        item.tagging.pin(numbers[-1])
    elif act == "collect":
        item.collect(keep=1, grace=NOW)
    elif act == "restore":
        item.restore(item.tagging.find("kept"), run_id=f"again-{numbers[0]}")
    elif act == "remove":
        remove_versions(item._log, with_tags=True)


def _without_holds(state: Any) -> Any:
    now = datetime.now(UTC)
    for holder in list(state.holds):
        state = state.without_hold(holder, now)
    return state
