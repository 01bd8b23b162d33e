"""What nouns may know of each other before anything runs: declarations, found through `resources.references`.

A dataset must know what its data source says, but the folders of two nouns do not import each other.
"""

from __future__ import annotations

from typing import ClassVar

from resources.kernel.keys import IMAGE_FOLDER
from resources.references import NamedComponent
from resources.sources.spec import SourceSpec


class DeclaresSource(NamedComponent):
    """A component that says where data can be taken from."""

    noun: ClassVar[str] = "datasource"

    def source_spec(self) -> SourceSpec:
        """The declaration."""
        raise NotImplementedError


class KeepsFiles(NamedComponent):
    """A component whose table lists files that are kept beside it: SQL may read it, no exporter can deliver it (D3)."""

    noun: ClassVar[str] = IMAGE_FOLDER
