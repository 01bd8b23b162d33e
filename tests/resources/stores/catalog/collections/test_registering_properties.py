"""Registering beside a plain model of what becomes of duplicates; a preview says what registering does (Hypothesis)."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.collections.duplicates import ImportFlags
from resources.collections.items import ItemOutcome
from tests.resources.stores.catalog.collections.drafts import batches, draft, facets, held, run

FLAGS = st.sampled_from(
    [ImportFlags(), ImportFlags(skip_duplicate_urls=True), ImportFlags(True, True)]
)
KINDS = {"image": 1, "video": 1, "image_group": 2}


@st.composite
def drafts(draw):
    kind = draw(st.sampled_from(sorted(KINDS)))
    count = 1 if KINDS[kind] == 1 else draw(st.integers(1, 2))
    urls = " ".join(draw(st.sampled_from(["s3://b/a", "s3://b/b"])) for _ in range(count))
    metadata = draw(st.sampled_from([None, {}, {"v": 1}, {"v": 2, "w": "ö"}]))
    return draft(urls, kind=kind, metadata=metadata, media=draw(st.sampled_from([None, {"w": 1}])))


@dataclass
class Step:
    folder: str
    flags: ImportFlags
    look: str
    drafts: list
    settled: list[str]
    """What becomes of the first pending items afterwards."""


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["", "north"]),
        FLAGS,
        st.sampled_from(["never", "missing", "always"]),
        st.lists(drafts(), max_size=8),
        st.lists(st.sampled_from(["", "object_not_found"]), max_size=3),
    ),
    min_size=1,
    max_size=4,
)


@dataclass
class Model:
    """What the rules say, one item after the other."""

    items: list[dict] = field(default_factory=list)

    def register(self, number, step):
        counts, seen = Counter(), set()
        before = list(self.items)
        for one in step.drafts:
            key = (step.folder, one.type, one.urls)
            same = [item for item in before if item["key"] == key]
            is_open = [item for item in same if item["state"] != "ready"]
            metadata = None if one.metadata is None else msgspec.json.decode(one.metadata)
            needs_look = step.look == "always" or (step.look == "missing" and one.media is None)
            state = "pending" if needs_look else "ready"
            if not step.flags.skip_duplicate_urls or (key not in seen and not same):
                action = "created"
                self.items.append({"key": key, "state": state, "metadata": metadata, "by": number})
            elif key in seen:
                action = "skipped"
            else:
                replaces = step.flags.upsert_metadata and metadata is not None
                action = "updated" if replaces else "retried" if is_open else "skipped"
                for item in is_open:
                    item.update(state=state, by=number)
                for item in same if replaces else ():
                    item.update(metadata=metadata, by=number)
            seen.add(key)
            counts[action, one.type] += 1
        return counts


def flat(registered):
    return {(action, kind): n for action, by in registered.counts.items() for kind, n in by.items()}


def shown(items):
    return [
        (
            (item.folder, item.type, item.urls),
            item.state,
            None if item.metadata is None else msgspec.json.decode(item.metadata),
        )
        for item in items
    ]


_numbers = iter(range(10**9))  # a collection an example: the database is one for all


@given(steps=STEPS, at_once=st.integers(1, 4))
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_registering_does_what_the_rules_say_and_the_preview_told_it(collections, steps, at_once):
    collection = f"c{next(_numbers)}"
    model, made = Model(), []
    for number, step in enumerate(steps):
        preview = collections.preview(
            collection, step.folder, batches(step.drafts, at_once), step.flags
        )
        import_id, registered = run(
            collections,
            f"run-{number}",
            step.drafts,
            step.flags,
            folder=step.folder,
            look=step.look,
            collection=collection,
            at_once=at_once,
        )
        made.append(import_id)
        expected = model.register(number, step)
        assert flat(registered) == expected == flat(preview)
        items = [item for item in held(collections) if item.made_by in made]
        assert shown(items) == [(i["key"], i["state"], i["metadata"]) for i in model.items]
        assert [made.index(item.import_id) for item in items] == [i["by"] for i in model.items]
        pending = collections.pending(import_id)
        outcomes = [ItemOutcome(i.id, rule=r) for i, r in zip(pending, step.settled, strict=False)]
        collections.settle(import_id, outcomes)
        for outcome in outcomes:
            at = [item.id for item in items].index(outcome.item_id)
            model.items[at]["state"] = "failed" if outcome.rule else "ready"
        states = {row[0]: row[2] for row in facets(collections)}
        assert [states[item.id] for item in items] == [i["state"] for i in model.items]
