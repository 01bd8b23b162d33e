"""The tabs of the data section, in order. A noun whose pages are not there has none."""

from __future__ import annotations

from dataclasses import dataclass

TABS = (
    ("overview.show", "Overview", ""),
    ("dataset.list", "Datasets", "/datasets"),
    ("image-folder.list", "Image folders", "/image-folders"),
    ("import.list", "Imports", "/imports"),
    ("connector.list", "Connectors", "/connectors"),
    ("datasource.list", "Data sources", "/datasources"),
    ("embedding.list", "Embeddings", "/embeddings"),
    ("exporter.list", "Exporters", "/exporters"),
    ("pipeline.list", "Pipelines", "/pipelines"),
    ("classification.list", "Classification sets", "/classifications"),
    ("collection.list", "Collections", "/collections"),
    ("schema.list", "Schemas", "/schemas"),
    ("run.list", "Runs", "/runs"),
    ("query.run", "SQL", "/sql"),
)
"""Use case, label, path below the project."""


@dataclass(frozen=True)
class Tab:
    """A tab as a page shows it."""

    label: str
    path: str
    is_current: bool


def tabs(base: str, path: str, known: set[str]) -> list[Tab]:
    """The tabs of a project.

    Args:
        base: where its pages begin.
        path: of the page that is shown.
        known: names of the pages that there are.
    """
    return [
        Tab(label, f"{base}{place or '/'}", _is_below(path.removeprefix(base), place))
        for name, label, place in TABS
        if name in known
    ]


def _is_below(path: str, place: str) -> bool:
    if not place:
        return path in ("", "/")
    return path == place or path.startswith(f"{place}/")
