"""GraphQL before Dagster executes it: which mutations a document holds, and whether the user may run them.

A document is parsed by the parser that Dagster uses, and judged by everything in it, whichever of its operations is
named: what a fragment adds counts, what is not run counts too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import GraphQLError, parse
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from orchestration.server.guard.asgi import Refusal
from orchestration.server.guard.mutations import right_of_mutation
from orchestration.services.access.actor import Actor
from orchestration.services.access.rights import check_right
from resources.kernel.errors import ForbiddenError

QUERY_LIMIT = 200_000
"""Characters of a document; Dagster's page needs a tenth of it. What is large beside it are variables."""

_CACHED_LIMIT = 20_000


@dataclass(frozen=True)
class Operation:
    """What a request asks of GraphQL.

    Args:
        mutations: names of all mutations in its document.
        variables: as they were sent.
    """

    mutations: tuple[str, ...]
    variables: Any = None

    def check(self, actor: Actor) -> Refusal | None:
        """Why it is refused to this actor."""
        try:
            for name in self.mutations:
                check_right(actor, f"graphql.{name}", right_of_mutation(name))
        except ForbiddenError as error:
            return Refusal(403, error.message, hint=error.hint)
        return None


def read_operation(body: bytes) -> Operation | Refusal:
    """What the body of a POST asks for, or why it is not passed on: nothing is that could be read in two ways."""
    if not body.lstrip().startswith(b"{"):
        # Dagster fails on a batch, which is a JSON array.
        return Refusal(400, "GraphQL takes one operation a request, as a JSON object")
    try:
        request = json.loads(body)
    except RecursionError:
        return Refusal(400, "the JSON is nested too deeply")
    except ValueError:  # not UTF-8, or no JSON
        return Refusal(400, "the body is no JSON")
    return operation_of(request) if isinstance(request, dict) else Refusal(400, "no JSON object")


def operation_of(request: dict[str, Any]) -> Operation | Refusal:
    """What a request, or the payload of a websocket's message, asks for."""
    query = request.get("query")
    if query is None:  # persisted queries are none of Dagster's: it says that there is no query
        return Operation(())
    if not isinstance(query, str):
        return Refusal(400, "the query is no text")
    if len(query) > QUERY_LIMIT:
        return Refusal(413, f"a query of more than {QUERY_LIMIT} characters")
    try:
        names = _cached(query) if len(query) <= _CACHED_LIMIT else mutations_of(query)
    except GraphQLError as error:
        return Refusal(400, error.message)
    except RecursionError:
        return Refusal(400, "the query is nested too deeply")
    return Operation(names, request.get("variables"))


def mutations_of(query: str) -> tuple[str, ...]:
    """Names of the mutations in a document, sorted.

    Raises:
        GraphQLError: it does not parse.
    """
    document = parse(query, no_location=True)
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    names = {
        name
        for operation in _mutations(document)
        for name in _fields(operation.selection_set, fragments, set())
    }
    return tuple(sorted(names))


_cached = lru_cache(maxsize=256)(mutations_of)


def _mutations(document: DocumentNode) -> Iterator[OperationDefinitionNode]:
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode) and node.operation is OperationType.MUTATION:
            yield node


def _fields(
    selections: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[str]:
    """Names of the fields at the top of an operation, whatever they are called in the answer."""
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            fragment = fragments.get(node.name.value)
            if fragment is not None:
                yield from _fields(fragment.selection_set, fragments, seen)
