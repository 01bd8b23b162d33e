"""Questions about the project as a whole."""

from __future__ import annotations

from orchestration.services.asking.question import Desk, Question
from orchestration.services.described import Described, keep_described
from resources.kernel.errors import ConfigError


def _describe(desk: Desk) -> Described:
    """What is declared; of a location that does not load what was declared before, and why it does not."""
    # All nouns, and pandas with them: 20 MB that the web process, which asks this, has no use for.
    from orchestration.services.snapshot_of_location import problems_of, snapshot_of

    try:
        location = desk.location
    except ConfigError as error:
        described = Described(error=error.message, is_foreign="foreign" in error.facts)
    else:
        described = Described(snapshot_of(location, problems_of(location)))
    return keep_described(desk.home, desk.project, described)


DESCRIBE = Question("project.describe", _describe, Described)
QUESTIONS = (DESCRIBE,)
