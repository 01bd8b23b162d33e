"""The project and the bench of the tests of the engine."""

from tests.assets.collections.tasks.conftest import bench, definitions

__all__ = ["bench", "definitions"]
