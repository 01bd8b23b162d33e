"""What is said when a project of wrong declarations is loaded."""

from __future__ import annotations

import pytest

from tests.project import project


def told_by_loading(yaml: str, *, python: str = "") -> str:
    """The texts of the error and of its causes: Dagster wraps the real one once for each level of its tree."""
    with pytest.raises(Exception) as caught, project(yaml, python=python):  # noqa: PT011 - whatever it is wrapped in
        pytest.fail("the project was loaded")
    texts, error = [], caught.value
    while error is not None:
        texts.append(str(error))
        error = error.__cause__
    return "\n".join(texts)
