"""What exists and how it is made: a folder a noun.

Exports the component types of this layer; they load Dagster, so they are looked up when asked for.
"""

from importlib import import_module
from typing import Any

_COMPONENTS = {
    "Datasource": "assets.datasources.component",
    "Dataset": "assets.datasets.component",
    "SqlTransform": "assets.transforms.component",
    "Model": "assets.models.component",
    "Prediction": "assets.models.component",
    "Embedding": "assets.embeddings.component",
    "Exporter": "assets.exporters.component",
    "Collection": "assets.collections.component",
    "ImageFolder": "assets.image_folders.component",
    "MetadataSchema": "assets.collections.schema_component",
    "ClassificationSet": "assets.classifications.component",
}


def __getattr__(name: str) -> Any:
    if name in _COMPONENTS:
        return getattr(import_module(_COMPONENTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_COMPONENTS])
