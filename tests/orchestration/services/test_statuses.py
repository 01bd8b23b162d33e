"""Every error of ours means something to HTTP, and the same to whoever asked by HTTP."""

from http import HTTPStatus

import pytest

from orchestration.client.transport import named_error
from orchestration.services.statuses import STATUSES, problem_of, status_of
from resources.kernel import errors
from resources.kernel.errors import WaybillError

KINDS = sorted(
    (
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, WaybillError)
    ),
    key=lambda kind: kind.__name__,
)
OURS = {errors.IntegrityError, errors.StorageError, WaybillError}
"""What is wrong is this server's own: the only ones that may say so."""
ELSEWHERE = {502, 503}


def test_all_classes_are_walked():
    def below(kind):
        return {kind}.union(*map(below, kind.__subclasses__()))

    declared = {kind for kind in below(WaybillError) if kind.__module__ == errors.__name__}
    assert declared == set(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_has_an_honest_status_and_comes_back_as_what_it_was(kind):
    error = kind.rebuild("what", "hint", {})
    status = status_of(error)
    assert HTTPStatus(status)
    if issubclass(kind, errors.ConnectorError):
        assert status in ELSEWHERE
    else:
        assert (status >= 500) is (kind in OURS)
    assert error.retryable <= (status in (409, 503))  # what may be tried again says so
    there = named_error(problem_of(kind))
    assert issubclass(kind, there)
    assert status_of(there.rebuild("", "", {})) == status


def test_the_narrower_class_stands_first_and_names_are_unique():
    kinds = list(STATUSES)
    for index, kind in enumerate(kinds):
        assert not any(issubclass(later, kind) for later in kinds[index + 1 :])
    names = [name for _, name in STATUSES.values()]
    assert len(names) == len(set(names))
