"""The form of a new import task: what is filled in, and the task that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.services.uploads.form_settings import settings_of_form
from resources.import_tasks.definition import Crawl
from resources.kernel.errors import InputError, WaybillError

_PLACES: Mapping[str, str] = {
    "name": "name",
    "target.name": "target",
    "target.folder": "folder",
    "source.addresses": "addresses",
    "source.sitemap": "sitemap",
    "source.crawl": "crawl",
    "source.connector": "connector",
    "source.path": "path",
    "options.output": "output",
    "options.ocr": "ocr",
    "options.keep_raw": "keep_raw",
    "options.on_duplicate": "on_duplicate",
    "options.fields": "fields",
}
"""Places of a task that have a field of their own, and its name."""
RULES = 5
"""Rows for own fields; more of them are given by the HTTP API or the command line."""
NEW = "new"
"""Begins the choice of a target that is yet to be declared: `new:collection`."""
_CRAWL = Crawl()
_DEFAULTS: dict[str, str] = {
    "source": "web",
    "depth": str(_CRAWL.depth),
    "pages": str(_CRAWL.pages),
    "delay": f"{_CRAWL.delay:g}",
    "on_duplicate": "skip",
}
_TEXTS = (
    *("source", "addresses", "sitemap", "depth", "pages", "delay", "include", "exclude"),
    *(
        "uploads",
        "connector",
        "path",
        "target",
        "new_name",
        "folder",
        "output",
        "on_duplicate",
        "name",
    ),
)
_FLAGS = {
    "crawl": False,
    "same_site": True,
    "title": True,
    "details": True,
    "ocr": False,
    "keep_raw": False,
    "ignore_errors": True,
    "go_on": False,
}
_OF_ITEMS = ("title", "details", "ocr", "keep_raw", "ignore_errors")
"""Boxes of what is made of the items of a collection."""
_OPTIONS = ("output", "ocr", "keep_raw")
_READING = ("format", "member", "more")


@dataclass(frozen=True)
class GivenRule:
    """A row of the own fields."""

    key: str = ""
    source: str = "path"
    pattern: str = ""
    description: str = ""


@dataclass(frozen=True)
class TaskForm:
    """The form as it is filled in.

    Args:
        fields: as the browser sent them, or an address names them.
        is_sent: whether the form was sent: a box that is not among its fields is not ticked then.
    """

    fields: Mapping[str, str]
    is_sent: bool = False

    def text(self, name: str) -> str:
        """What stands in a field."""
        return str(self.fields.get(name, _DEFAULTS.get(name, "")))

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        if self.is_sent or name in self.fields:
            return self.fields.get(name) == "true"
        return _FLAGS[name]

    @property
    def rules(self) -> tuple[GivenRule, ...]:
        """The rows of own fields, empty ones too."""
        return tuple(
            GivenRule(
                *(
                    self.fields.get(f"field_{part}_{number}", default).strip()
                    for part, default in (
                        ("key", ""),
                        ("source", "path"),
                        ("pattern", ""),
                        ("description", ""),
                    )
                )
            )
            for number in range(1, RULES + 1)
        )

    @property
    def values(self) -> dict[str, Any]:
        """All of it, for the page."""
        flags = {name: self.flag(name) for name in _FLAGS}
        texts = {name: self.text(name) for name in _TEXTS}
        given = any(texts.get(name) or flags.get(name) for name in _OPTIONS)
        has_options = given or any(rule.key for rule in self.rules)
        return {**texts, **flags, "rules": self.rules, "has_options": has_options}

    @property
    def reading(self) -> dict[str, str]:
        """What was said of how the files of a new dataset are read, by the fields of `uploads/reading.html`."""
        return {
            name: text
            for name, text in self.fields.items()
            if text and (name in _READING or name.startswith("option."))
        }

    @property
    def new_collection(self) -> str | None:
        """The name of a collection that is to be declared first; None: no such is wanted."""
        is_wanted = self.text("target") == f"{NEW}:collection"
        return self.text("new_name").strip() if is_wanted else None

    def asked(self, uploads: tuple[str, ...] = ()) -> dict[str, Any]:
        """The task as `parse_task_order` takes it.

        Args:
            uploads: files that came with the form itself.

        Raises:
            InputError: a number that is none, or no target.
            ConfigError: what is said of how files are read cannot be.
        """
        return {
            "name": self.text("name"),
            "target": self._target(),
            "source": self._source(uploads),
            "options": self._options(),
            "start": self.text("act") == "start",
        }

    def _target(self) -> dict[str, str]:
        kind, _, name = self.text("target").partition(":")
        if kind == NEW:
            kind, name = name, self.text("new_name").strip()
        if not kind:
            raise InputError(
                "no target was chosen", hint="Choose where it goes", place="target.name"
            )
        return {
            "kind": kind,
            "name": name,
            "folder": self.text("folder").strip(),
        }

    def _source(self, uploads: tuple[str, ...]) -> dict[str, Any]:
        kind = self.text("source")
        if kind == "upload":
            ids = (*self.text("uploads").split(), *uploads)
            if not ids:
                raise InputError("no file was chosen", hint="Choose or drop files")
            return {"type": kind, "uploads": list(ids)}
        if kind == "connector":
            own = {name: self.text(name).strip() for name in ("connector", "path")}
            return {"type": kind, **own}
        return {
            "type": "web",
            "addresses": self.text("addresses").split(),
            "sitemap": self.text("sitemap").strip(),
            "crawl": self._crawl() if self.flag("crawl") else None,
        }

    def _crawl(self) -> dict[str, Any]:
        return {
            "depth": _number("Links from a page that was named", self.text("depth")),
            "pages": _number("Most pages", self.text("pages")),
            "delay": _seconds(self.text("delay")),
            "same_site": self.flag("same_site"),
            "include": self.text("include").split(),
            "exclude": self.text("exclude").split(),
        }

    def _options(self) -> dict[str, Any]:
        """What was ticked or written for another kind of target is passed on: it is refused by name, not dropped in silence."""
        flags = {name: self.flag(name) for name in _OF_ITEMS}
        rules = [
            {
                "key": rule.key,
                "source": rule.source,
                "pattern": rule.pattern,
                "description": rule.description,
            }
            for rule in self.rules
            if rule.key or rule.pattern
        ]
        texts = {name: self.text(name) for name in ("output", "on_duplicate")}
        found = {**texts, **flags, "fields": rules}
        if self._target()["kind"] == "collection":
            return found
        # Boxes that are ticked by themselves say nothing when they are not.
        own = {"title": True, "details": True, "ignore_errors": self.flag("go_on")}
        return {**found, **own, "form": self._form()}

    def _form(self) -> dict[str, Any]:
        """Of a new dataset alone: one that is there has its own settings."""
        if self.text("target") != f"{NEW}:dataset":
            return {}
        filename = self.text("path") if self.text("source") == "connector" else ""
        return settings_of_form(self.reading, (), filename).given


def told_at(error: WaybillError | None) -> dict[str, str]:
    """What is told beside each field: the error at the field that it is about, if it is about one."""
    place = _PLACES.get(str(error.facts.get("place", ""))) if error else None
    return {field: error.message if error and field == place else "" for field in _PLACES.values()}


def _number(title: str, given: str) -> int:
    if given.isascii() and given.isdigit() and len(given) < 10:
        return int(given)
    raise InputError(f"{title}: {given[:40]!r} is no whole number", hint="Write digits")


def _seconds(given: str) -> float:
    try:
        return float(given)
    except ValueError:
        raise InputError(
            f"Seconds between two requests: {given[:40]!r} is no number", hint="Write 1 or 0.5"
        ) from None
