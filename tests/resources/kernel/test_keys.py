import pytest

from resources.kernel.errors import ConfigError
from resources.kernel.keys import NAME_LIMIT, asset_key, check_name, is_name


@pytest.mark.parametrize("name", ["flights", "a", "f_2013", "x" * NAME_LIMIT])
def test_a_good_name_is_taken_as_it_is(name):
    assert check_name("dataset", name) == name


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("Flights 2013", "flights_2013"),
        ("2013", "dataset_1"),
        ("", "dataset_1"),
        ("a/../b", "a_b"),
        ("naïve", "na_ve"),
        ("x\n", "x"),
        ("x" * (NAME_LIMIT + 1), "x" * NAME_LIMIT),
    ],
    ids=["space", "digit first", "empty", "path", "accent", "newline", "too long"],
)
def test_a_bad_name_is_refused_with_one_that_would_do(name, proposal):
    with pytest.raises(ConfigError, match="cannot name a dataset") as caught:
        check_name("dataset", name)
    assert repr(proposal) in caught.value.hint
    assert is_name(proposal)


def test_a_key_is_noun_and_name():
    assert asset_key("datasets", "flights") == ("datasets", "flights")
    assert asset_key("datasets", "library/chunks") == ("datasets", "library", "chunks")
