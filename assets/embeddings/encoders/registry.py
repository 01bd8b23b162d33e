"""The encoders there are. Adding one starts here: a module beside the others, and its line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from assets.embeddings.encoders.encoder import Encoder
from resources.kernel.errors import UnknownNameError

ENCODERS: Mapping[str, str] = {"tabular": "assets.embeddings.encoders.tabular:fit_embedder"}
"""Name -> `module:function`, imported by the run that needs it: encoders bring heavy libraries."""


def find_encoder(name: str, *, where: str) -> Encoder:
    """The encoder of that name; `where` is the place to name.

    Raises:
        UnknownNameError: there is none; lists the known ones.
    """
    if name not in ENCODERS:
        raise UnknownNameError("encoder", name, list(ENCODERS), where=where)
    module, _, function = ENCODERS[name].partition(":")
    found: Encoder = getattr(import_module(module), function)
    return found
