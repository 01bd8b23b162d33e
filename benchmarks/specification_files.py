"""The specifications of J7: mixed media with titles, custom metadata and media metadata, about 300 bytes an item. Deterministic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from benchmarks.task import Task

_RECIPE = 1  # raise it when the items change
_GROUP_URLS = 4
_SITES = ("north", "south", "harbour", "Île")


def specification_file(task: Task, ending: Literal["csv", "json"]) -> Path:
    """The file, made beside the other data unless it is there; an item for each row."""
    path = Path(task.csv).parent / f"specification-{_RECIPE}-{task.rows}.{ending}"
    if not path.exists():
        scratch = path.with_name(f".{path.name}.part")
        with scratch.open("w", encoding="utf-8") as file:
            file.writelines(_json(task.rows) if ending == "json" else _csv(task.rows))
        scratch.rename(path)
    return path


def counts(rows: int) -> dict[str, int]:
    """Items of each section: videos, groups, and images for the rest."""
    videos, groups = rows // 5, rows // 50
    return {"videos": videos, "image_groups": groups, "images": rows - videos - groups}


def _json(rows: int) -> Iterator[str]:
    makers = {"videos": _video, "image_groups": _group, "images": _image}
    yield '{"skip_duplicate_urls": true'
    for section, number in counts(rows).items():
        yield f', "{section}": ['
        for place in range(number):
            yield (", " if place else "") + json.dumps(makers[section](place), ensure_ascii=False)
        yield "]"
    yield "}\n"


def _csv(rows: int) -> Iterator[str]:
    found = counts(rows)
    yield "ObjectURL,Video title\n"
    for place in range(found["videos"]):
        yield f"{_url(place, 'mp4')},clip {place:07d}\n"
    yield "ObjectURL,Image group title,Create video\n"
    for place in range(found["image_groups"]):
        for part in range(_GROUP_URLS):
            yield f"{_url(place * _GROUP_URLS + part, 'png')},scan {place:07d},false\n"
    yield "ObjectURL,Image title\n"
    for place in range(found["images"]):
        yield f"{_url(place, 'png')},frame {place:07d}\n"


def _url(place: int, ending: str) -> str:
    return f"s3://bucket/site-{place % 40:02d}/2026-11-30/frames/frame-{place:07d}.{ending}"


def _metadata(place: int) -> dict[str, Any]:
    mixed = place * 2_654_435_761 % 2**32
    return {
        "site": _SITES[mixed % len(_SITES)],
        "lux": mixed % 90_000 / 100,
        "night": mixed % 3 == 0,
        "operator": f"op-{mixed % 97}",
    }


def _video(place: int) -> dict[str, Any]:
    return {
        "objectUrl": _url(place, "mp4"),
        "title": f"clip {place:07d}",
        "clientMetadata": _metadata(place),
        "videoMetadata": {
            "fps": 25.0,
            "duration": 12.48,
            "width": 1920,
            "height": 1080,
            "file_size": 1_000_000 + place,
            "mime_type": "video/mp4",
        },
    }


def _image(place: int) -> dict[str, Any]:
    return {
        "objectUrl": _url(place, "png"),
        "title": f"frame {place:07d}",
        "clientMetadata": _metadata(place),
        "imageMetadata": {
            "mimeType": "image/png",
            "fileSize": 512_000 + place,
            "width": 1920,
            "height": 1080,
        },
    }


def _group(place: int) -> dict[str, Any]:
    first = place * _GROUP_URLS
    urls = {f"objectUrl_{part}": _url(first + part, "png") for part in range(_GROUP_URLS)}
    return {"title": f"scan {place:07d}", **urls, "clientMetadata": _metadata(place)}
