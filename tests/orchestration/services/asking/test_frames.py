"""Errors on their way over a socket."""

import pytest

from orchestration.services.asking.frames import decode_error, encode_error
from resources.collections.schema_changes import SchemaChangeError
from resources.kernel.errors import InputError, NotFoundError, UnknownNameError
from resources.media.refusals import MediaRefusedError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SchemaChangeError("enum_empty", "phase", "no option", hint="Give one"), InputError),
        (MediaRefusedError("object_unreadable", "cut off"), InputError),
        (UnknownNameError("schema", "x", ["y"]), UnknownNameError),
        (NotFoundError("gone"), NotFoundError),
    ],
)
def test_an_error_of_a_class_of_its_own_arrives_as_the_nearest_that_all_know(error, kind):
    found = decode_error(encode_error(error))
    assert (type(found), found.message, found.hint) == (kind, error.message, error.hint)
    assert found.facts == error.facts
