"""Component types by the name that YAML gives them."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

import dagster as dg

from orchestration.loading.problems import proposal
from resources.kernel.errors import ConfigError

_ROOTS = ("assets", "resources", "orchestration")


def known_types() -> list[str]:
    """Waybill's own types, as YAML names them."""
    found = []
    for root in _ROOTS:
        found += [f"{root}.{name}" for name in dir(import_module(root)) if name[0].isupper()]
    return sorted(name for name in found if not name.endswith(".Any"))


def component_type(name: str, package: str) -> type[dg.Component]:
    """The class of a component type.

    Args:
        name: as YAML gives it; one that begins with a dot starts at `package`.
        package: of the folder that the YAML stands in.

    Raises:
        ConfigError: there is none of that name.
    """
    return _class_of(f"{package}{name}" if name.startswith(".") else name, name)


@lru_cache(maxsize=1024)
def _class_of(full: str, name: str) -> type[dg.Component]:
    module, _, attribute = full.rpartition(".")
    if not module:
        raise _unknown(name)
    try:
        found = getattr(import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        if error.name and not f"{module}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"type {name!r} needs the package {error.name!r}, which is not installed"
            ) from error
        raise _unknown(name) from error
    if not (isinstance(found, type) and issubclass(found, dg.Component)):
        raise _unknown(name)
    return found


def _unknown(name: str) -> ConfigError:
    known = known_types()
    hint = f"{proposal(name, known)}Known: {', '.join(known)}; or the full name of a class"
    return ConfigError(f"unknown type {name!r}", hint=hint)
