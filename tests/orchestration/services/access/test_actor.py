"""Roles include those before them; a token's scopes bound what its owner's role allows."""

import pytest

from orchestration.services.access.actor import Actor, Role, Scope


@pytest.mark.parametrize("role", Role)
def test_a_role_includes_itself_and_those_before_it(role):
    ranks = [Role.VIEWER, Role.OPERATOR, Role.ADMIN]
    assert [role.includes(other) for other in ranks] == [
        position <= ranks.index(role) for position in range(3)
    ]


def test_a_scope_that_is_missing_counts_more_than_the_role():
    reader = Actor("ada (token dashboards)", Role.ADMIN, frozenset({Scope.READ}), "token")
    assert reader.may(Role.VIEWER, Scope.READ)
    assert not reader.may(Role.VIEWER, Scope.WRITE)
    assert not Actor("bob", Role.VIEWER).may(Role.OPERATOR, Scope.READ)
