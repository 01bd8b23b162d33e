"""Who has the job that removes kept bytes: projects whose versions may refer to some. What it does: `cli/test_collection.py`."""

import pytest

from orchestration.kept_media import JOB
from tests.project import project

COLLECTION = "type: assets.Collection\nattributes: {name: photos, probe: never}\n"
FOLDER = "type: assets.ImageFolder\nattributes: {name: faces}\n"
UPLOAD = "type: assets.Dataset\nattributes: {name: notes, upload: true}\n"


@pytest.mark.parametrize(("yaml", "has"), [(COLLECTION, True), (FOLDER, True), (UPLOAD, False)])
def test_the_job_is_there_where_something_keeps_bytes(yaml, has):
    with project(yaml) as definitions:
        assert (JOB in [job.name for job in definitions.jobs or []]) == has
        schedules = [schedule.name for schedule in definitions.schedules or []]
        assert (JOB in schedules) == has
