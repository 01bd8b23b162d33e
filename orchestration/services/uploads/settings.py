"""How an uploaded file is to be read, as its sender says it: the same attributes as in YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from resources.kernel.errors import ConfigError
from resources.sources.spec import SourceSpec, check_upload

_DEPTH = 4


@dataclass(frozen=True)
class UploadSettings:
    """What may be said of the files of an upload; nothing of it has to be."""

    format: str = ""
    member: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: SourceSpec) -> UploadSettings:
        """Those that a dataset declares."""
        return cls(spec.format, spec.member, dict(spec.options), dict(spec.rename))

    @property
    def given(self) -> dict[str, Any]:
        """What was said, by the names that YAML has."""
        everything = {
            "format": self.format,
            "member": self.member,
            "options": dict(self.options),
            "rename": dict(self.rename),
        }
        return {name: value for name, value in everything.items() if value}

    def spec(self, dataset: str) -> SourceSpec:
        """The declaration of a dataset that is read so.

        Raises:
            ConfigError: options without a format, wrong ones, a text that YAML would take for a template.
        """
        _check_plain(self.given, "")
        spec = SourceSpec(dataset, connector="", upload=True, **self.given)
        check_upload(spec)
        return spec


def _check_plain(value: Any, where: str, depth: int = 0) -> None:
    """Refuses what YAML would not give back, or would evaluate: a template may read variables of the server."""
    if isinstance(value, Mapping) and depth < _DEPTH:
        for name, one in value.items():
            _check_plain(name, where or str(name), depth + 1)
            _check_plain(one, where or str(name), depth + 1)
    elif isinstance(value, list | tuple) and depth < _DEPTH:
        for one in value:
            _check_plain(one, where, depth + 1)
    elif isinstance(value, str):
        if "{{" in value:
            raise ConfigError(
                f"{where}: a text with '{{{{' would be taken for a template",
                hint="Declare the dataset by hand if a column is really called so",
                attribute=where,
            )
    elif not isinstance(value, bool | int | float | None):
        raise ConfigError(f"{where}: that cannot be a value", attribute=where)


def parse_settings(
    *,
    format: str,  # noqa: A002 - as users write it
    member: str,
    options: Sequence[str],
    rename: Sequence[str],
) -> UploadSettings:
    """Settings from `KEY=VALUE` and `OLD=NEW`; values of options are YAML.

    Raises:
        ConfigError: not of that form.
    """
    return UploadSettings(
        format,
        member,
        {name: _value(name, text) for name, text in _pairs(options, "an option", "KEY=VALUE")},
        dict(_pairs(rename, "a new name", "OLD=NEW")),
    )


def _pairs(given: Sequence[str], what: str, form: str) -> list[tuple[str, str]]:
    pairs = []
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise ConfigError(f"{text[:60]!r} is not {what}", hint=f"Write {form}")
        pairs.append((name, value))
    return pairs


def _value(name: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{name}: the value is not YAML", hint='Put it in quotes, twice: "quote=\'\\"\'"'
        ) from error
