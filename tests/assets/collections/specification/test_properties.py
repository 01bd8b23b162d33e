"""Properties: the fast and the explaining way agree, blocks of any size make no difference, items come back as they were."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from assets.collections.specification import source
from assets.collections.specification.json_explain import explain_item
from assets.collections.specification.json_groups import GroupItems
from assets.collections.specification.json_items import SingleItems
from assets.collections.specification.sections import SECTIONS
from tests.assets.collections.specification.files import drafts, found, read
from tests.assets.collections.specification.test_rules import IMAGE_METADATA, SCHEMA

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(), max_size=12),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
keys = st.sampled_from([*SCHEMA.keys, "x", "a.b", "keyframes", "$encord", "$waybill", "$x", ""])
fitting = st.fixed_dictionaries(
    {},
    optional={
        "lux": st.floats(-9, 9) | st.integers() | st.none(),
        "night": st.booleans(),
        "seen": st.sampled_from(["2026-11-30", "2026-11-30T09:40:00+02:00", "never"]),
        "site": st.sampled_from(["north", "south", "east"]),
        "vec": st.lists(st.floats(0, 1) | st.integers(0, 1), min_size=2, max_size=3),
        "note": st.text(max_size=5),
        "$encord": st.sampled_from(
            [{}, {"frames": {"1": {"lux": 5}}}, {"config": {"sampling_rate": 0}}]
        ),
        "keyframes": st.just([1, 2]),
        "free": values,
    },
)
metadata = st.none() | fitting | st.dictionaries(keys, values, max_size=3) | values
urls = st.sampled_from(["s3://b/a.png", "gs://b/é/c", "s3://b", "https://h/a?b#c"]) | st.one_of(
    st.text(st.characters(), max_size=8).map(lambda text: f"s3://{text}"), scalars
)
titles = st.none() | st.text(st.characters(), max_size=5) | st.just("t" * 301) | scalars
media = st.one_of(
    st.none(),
    st.just({}),
    st.just(IMAGE_METADATA),
    st.dictionaries(st.sampled_from([*IMAGE_METADATA, "mime_type", "file_size"]), scalars),
    st.fixed_dictionaries(
        {
            "mime_type": st.text(max_size=3),
            "file_size": st.integers(-1, 2**64),
            "width": st.integers(0, 9) | st.floats(0, 9),
            "height": st.just(5),
        }
    ),
)


def either(usual, other):
    """Mostly what is good, so that whole items are."""
    return st.one_of(usual, usual, usual, other)


singles = st.fixed_dictionaries(
    {"objectUrl": either(st.just("s3://b/a.png"), urls)},
    optional={
        "title": titles,
        "clientMetadata": metadata,
        "imageMetadata": media,
        "odd": st.just(1),
    },
)
groups = st.fixed_dictionaries(
    {"title": either(st.just("G"), titles), "objectUrl_0": either(st.just("s3://b/0"), urls)},
    optional={
        "objectUrl_1": urls,
        "objectUrl_2": st.just("s3://b/2"),
        "objectUrl_02": st.just("s3://b/2"),
        "createVideo": st.booleans() | scalars,
        "clientMetadata": metadata,
    },
)


@st.composite
def texts(draw, items):
    """An item as someone may write it: with spaces or without, escaped or not."""
    item = draw(items)
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    text = json.dumps(item, ensure_ascii=draw(st.booleans()), separators=separators)
    return text.encode("utf-8", "surrogatepass").replace(b"\\u0041", b"A")


def _is_utf8(text):
    return text.decode("utf-8", "ignore").encode() == text


def _agree(reader, section, pieces):
    """What the fast way takes is what the other way takes, and becomes the same."""
    explained = [explain_item(p, f"/x/{n}", section, SCHEMA) for n, p in enumerate(pieces)]
    good = reader.decode(b",".join(pieces))
    if good is None:
        return
    assert [one.problems for one in explained] == [()] * len(pieces)
    assert good.drafts("/x", 0) == [one.draft for one in explained]
    assert sum(items for items, _ in good.url_counts.values()) == good.count == len(pieces)
    assert sum(good.defaults.values()) == sum(one.is_default for one in explained)
    assert len(good.vectors) == sum(len(one.vectors) for one in explained)


@given(st.lists(texts(singles).filter(_is_utf8), min_size=1, max_size=4))
def test_both_ways_agree_on_single_items(pieces):
    for name in ("images", "videos"):
        section = SECTIONS[name]
        _agree(SingleItems(section, SCHEMA), section, pieces)


@given(st.lists(texts(groups).filter(_is_utf8), min_size=1, max_size=4))
def test_both_ways_agree_on_groups(pieces):
    for name in ("image_groups", "dicom_series"):
        section = SECTIONS[name]
        _agree(GroupItems(section, SCHEMA), section, pieces)


@given(
    st.lists(texts(singles).filter(_is_utf8), max_size=6),
    st.lists(texts(groups).filter(_is_utf8), max_size=4),
    st.sampled_from([b"", b"\n  "]),
    st.sampled_from([16, 61, 4096]),
)
def test_a_file_is_its_items_whatever_the_size_of_blocks(images, sets, space, block):
    joined = [(b"," + space).join(texts) for texts in (images, sets)]
    content = b'{"images": [%b], "image_groups" : [ %b ]}' % (joined[0], joined[1])
    before, source.BLOCK_BYTES = source.BLOCK_BYTES, block
    try:
        with TemporaryDirectory() as folder:
            specification = read(Path(folder), content, schema=SCHEMA)
            again = read(Path(folder), content, schema=SCHEMA)
            items = drafts(specification)
    finally:
        source.BLOCK_BYTES = before
    explained = [
        explain_item(text, f"/{name}/{n}", SECTIONS[name], SCHEMA)
        for name, texts in (("images", images), ("image_groups", sets))
        for n, text in enumerate(texts)
    ]
    problems = tuple(problem for one in explained for problem in one.problems)
    if not explained:
        assert found(specification) == [("", "no_items")]
        return
    assert specification.problems == problems == again.problems
    assert items == ([] if problems else [one.draft for one in explained])
    assert specification.counts == again.counts


@given(st.lists(st.tuples(singles, groups), min_size=1, max_size=4))
def test_accepted_items_come_back_as_they_were(pairs):
    content = {"images": [one for one, _ in pairs], "image_groups": [two for _, two in pairs]}
    with TemporaryDirectory() as folder:
        specification = read(Path(folder), content)
        items = drafts(specification)
    if specification.problems:
        return
    originals = [*content["images"], *content["image_groups"]]
    assert len(items) == len(originals)
    for draft, item in zip(items, originals, strict=True):
        if "objectUrl" in item:
            assert draft.urls == (item["objectUrl"],)
        else:
            count = sum(name.startswith("objectUrl_") for name in item)
            assert draft.urls == tuple(item[f"objectUrl_{n}"] for n in range(count))
        given_metadata = item.get("clientMetadata")
        if given_metadata is None:
            assert draft.metadata is None
        elif not {"keyframes", "$encord", "$waybill"} & given_metadata.keys():
            assert msgspec.json.decode(draft.metadata) == given_metadata


@given(st.text(st.sampled_from('[]{}",:\\ \n0a'), max_size=40), st.sampled_from([1, 3, 64]))
def test_what_is_json_is_told_as_python_does(text, block):
    """Text that `json` refuses is `json_syntax`; text that it takes is something else."""
    before, source.BLOCK_BYTES = source.BLOCK_BYTES, block
    try:
        with TemporaryDirectory() as folder:
            content = '{"images": [' + text + "]}"
            rules = {rule for _, rule in found(read(Path(folder), content))}
    finally:
        source.BLOCK_BYTES = before
    assert ("json_syntax" in rules) == (not _is_json(content))


def _is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


csv_cells = st.sampled_from(
    ["s3://b/a", "s3://b/b", "", "x y", "G", "H", "true", "FALSE", "perhaps", "ObjectURL", "é"]
)
csv_rows = st.lists(st.lists(csv_cells, max_size=4), max_size=12)
headings = st.sampled_from(
    [
        ["ObjectURL", "Image group title", "Create video"],
        ["objecturl", "image title"],
        ["ObjectURL"],
        ["Series title", "ObjectURL"],
    ]
)


def _line(row):
    return ",".join(f'"{cell}"' if cell != "ObjectURL" else cell for cell in row)


@given(headings, csv_rows, st.sampled_from([5, 4096]))
def test_csv_rows_alone_and_together_give_the_same(heading, rows, block):
    """A row that is wrong somewhere sends its neighbours the slow way: what they give does not depend on it."""
    content = "\n".join(_line(row) for row in [heading, *rows])
    before, source.BLOCK_BYTES = source.BLOCK_BYTES, block
    try:
        with TemporaryDirectory() as folder:
            specification = read(Path(folder), content, "spec.csv")
            items = drafts(specification)
            # a row with a field too many, of which the file's problems tell alone beside the others
            disturbed = read(Path(folder), f"{content}\ns3://b/a,1,2,3,4,5\n", "spec.csv")
    finally:
        source.BLOCK_BYTES = before
    if specification.problems:
        assert items == []
    else:
        assert sum(len(draft.urls) for draft in items) == specification.counts.url_count
        assert {d.type for d in items} == set(specification.counts.items)
        assert [rule for _, rule in found(disturbed)] == ["csv_column_count"]
        assert disturbed.counts.url_count == specification.counts.url_count
