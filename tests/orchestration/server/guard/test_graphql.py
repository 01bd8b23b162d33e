"""What a viewer, an operator and a narrow token can do through GraphQL, in every form that it takes."""

import json

import pytest
from dagster_graphql.schema import create_schema

from orchestration.server.guard.graphql import mutations_of
from orchestration.server.guard.mutations import MUTATIONS, right_of_mutation
from orchestration.services.access.actor import Scope
from orchestration.services.access.audit import list_entries
from orchestration.services.access.rights import CHANGE
from resources.stores.catalog.access.records import LogFilter
from tests.orchestration.server.asgi import ask
from tests.orchestration.server.guard.conftest import bearer

JSON = {"content-type": "application/json"}
LAUNCH = "mutation { launchRun(executionParams: {}) { __typename } }"
WIPE = "mutation { wipeAssets(assetPartitionRanges: []) { __typename } }"
QUERY = "query A { version }"

DISGUISED = {
    "alias": "mutation { version: launchRun(executionParams: {}) { __typename } }",
    "second operation": QUERY + " mutation B { launchRun(executionParams: {}) { __typename } }",
    "fragment": "mutation { ...F } fragment F on Mutation { launchRun(executionParams: {}) { __typename } }",
    "fragment before": "fragment F on Mutation { launchRun { a } } mutation { ...F }",
    "fragment of a fragment": "mutation { ...F } fragment F on Mutation { ...G } fragment G on Mutation { launchRun { a } }",
    "fragments in a circle": "mutation { ...F } fragment F on Mutation { ...G launchRun { a } } fragment G on Mutation { ...F }",
    "inline fragment": "mutation { ... on Mutation { launchRun(executionParams: {}) { __typename } } }",
    "inline without type": "mutation { ... @include(if: true) { launchRun { a } } }",
    "commas and comments": "#query { version }\n,,mutation,,{#}\n,launchRun(executionParams:{}){__typename}}",
    "byte order mark": "\ufeffmutation{launchRun{a}}",
    "beside a harmless one": "mutation { setNuxSeen launchRun { a } }",
    "skipped": "mutation { launchRun @skip(if: true) { a } }",
}


@pytest.fixture
def post(guard, token_of):
    def send(name, query, *scopes, **more):
        headers = JSON | bearer(token_of(name, *scopes))
        body = json.dumps({"query": query, **more}).encode()
        return ask(guard, "POST", "/graphql", headers=headers, body=body)

    return send


@pytest.mark.parametrize("query", DISGUISED.values(), ids=DISGUISED)
def test_a_viewer_launches_nothing_in_whatever_form(post, inner, query):
    answer = post("vic", query, operationName="A")
    assert answer.status == 403
    assert b"launchRun needs the role operator" in answer.body
    assert inner.bodies == []


@pytest.mark.parametrize("query", [
    QUERY, "{ version }", "query mutation { mutation: version }", 'query { a(b: "mutation { launchRun }") }',
    "mutation { setNuxSeen }", "mutation { logTelemetry(action: 1) { __typename } }",
])  # fmt: skip
def test_a_viewer_looks(post, query):
    assert post("vic", query).status == 200


@pytest.mark.parametrize(("name", "query", "scopes", "status"), [
    ("olga", LAUNCH, (), 200),
    ("olga", WIPE, (), 403),
    ("ada", WIPE, (), 200),
    ("ada", "mutation { brandNewMutation }", (), 200),
    ("olga", "mutation { brandNewMutation }", (), 403),
    ("ada", LAUNCH, (Scope.READ,), 403),
    ("ada", LAUNCH, (Scope.READ, Scope.IMPORT), 200),
    ("ada", WIPE, (Scope.READ, Scope.IMPORT), 403),
    ("ada", WIPE, (Scope.READ, Scope.WRITE), 200),
    ("ada", QUERY, (Scope.IMPORT,), 403),
])  # fmt: skip
def test_role_and_scope_count_both(post, name, query, scopes, status):
    assert post(name, query, *scopes).status == status


@pytest.mark.parametrize("body", [
    json.dumps([{"query": LAUNCH}]), '{"query": "no GraphQL"}', '{"query": ""}', '{"query": ' + json.dumps(LAUNCH) + "}x", "{", "{}{}", '{"query": 7}',
    '{"query": ["mutation"]}', '{"a":' * 100_000, '{"query": "' + "{a" * 60_000 + '"}', '{"query": "' + "x" * 300_000 + '"}',
    '{"query": "{version}"}'.encode("utf-16").decode("latin-1"),
])  # fmt: skip
def test_what_could_be_read_in_two_ways_is_not_passed_on(guard, inner, token_of, body):
    headers = JSON | bearer(token_of("vic"))
    answer = ask(guard, "POST", "/graphql", headers=headers, body=body.encode("latin-1"))
    assert answer.status in (400, 413)
    assert inner.bodies == []


def test_of_two_queries_the_one_that_is_executed_counts(guard, inner, token_of):
    body = f'{{"query": "{{version}}", "query": {json.dumps(LAUNCH)}}}'
    headers = JSON | bearer(token_of("vic"))
    assert ask(guard, "POST", "/graphql", headers=headers, body=body.encode()).status == 403


@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
def test_no_mutation_comes_by_get(guard, inner, token_of, path):
    headers = bearer(token_of("ada"))
    assert ask(guard, path=path, headers=headers, query=b"query=mutation{x}").status == 405
    assert inner.actors == []


def test_each_mutation_of_dagster_is_in_the_table_and_nothing_else():
    # One that a later release adds is for admins until somebody has thought about it.
    schema = create_schema().graphql_schema
    assert set(MUTATIONS) == set(schema.mutation_type.fields)
    assert right_of_mutation("brandNewMutation") == CHANGE


def test_names_are_those_of_the_fields():
    assert mutations_of("mutation { b { c } a: d } query { e }") == ("b", "d")
    assert mutations_of("mutation { __typename ...Unknown }") == ("__typename",)


def test_what_is_changed_is_noted_with_who_and_on_what(post, people):
    variables = {
        "executionParams": {
            "selector": {"jobName": "nightly", "assetSelection": [{"path": ["datasets", "a"]}]},
            "runConfigData": {"secret": 1},
        }
    }
    post("olga", LAUNCH, variables=variables)
    (entry,) = list_entries(people, LogFilter(action="graphql."))
    assert (entry.actor, entry.action, entry.outcome) == (
        "olga (token t)",
        "graphql.launchRun",
        "done",
    )
    assert entry.subject == "nightly, datasets/a"
    assert "secret" not in entry.detail


def test_what_was_refused_is_noted_too(post, people):
    post("vic", WIPE, variables={"runId": "1"})
    (entry,) = list_entries(people, LogFilter(action="graphql.wipeAssets"))
    assert (entry.actor, entry.outcome, entry.subject) == ("vic (token t)", "refused", "1")
    assert "role admin" in entry.detail
