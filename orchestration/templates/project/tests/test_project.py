"""The project loads: every file is read, every name is known, and Dagster takes it."""

import waybill

from PACKAGE.definitions import defs


def test_nothing_is_wrong():
    problems = waybill.check(__file__)
    assert not problems, "\n".join(map(str, problems))


def test_dagster_takes_it():
    assert defs().get_repository_def().get_all_jobs()
