"""When it runs and who asks.

Exports the component types of this layer; they load Dagster, so they are looked up when asked for.
"""

from importlib import import_module
from typing import Any

_COMPONENTS = {
    "Pipeline": "orchestration.pipelines.component",
    "RecurringImport": "orchestration.imports.component",
}


def __getattr__(name: str) -> Any:
    if name in _COMPONENTS:
        return getattr(import_module(_COMPONENTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_COMPONENTS])
