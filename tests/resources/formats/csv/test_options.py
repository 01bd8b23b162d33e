import pytest

from resources.formats.csv import CsvOptions
from resources.kernel.errors import ConfigError


def test_lists_of_yaml_become_tuples():
    options = CsvOptions.parse({"column_names": ["a", "b"], "null_values": ["NA"], "header": False})
    assert options == CsvOptions(column_names=("a", "b"), null_values=("NA",), header=False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"delimiter": ";"}, "'delimiter' is not an option of CSV"),
        ({"header": "no"}, "header cannot be a str. It is true or false"),
        ({"null_values": [1]}, "null_values"),
        ({"types": {"a": "float"}}, "unknown type 'float'"),
        ({"on_bad_file": "ignore"}, "on_bad_file"),
    ],
    ids=["unknown", "text for a boolean", "number for a text", "unknown type", "unknown policy"],
)
def test_wrong_options_are_told_with_what_would_do(given, message):
    with pytest.raises(ConfigError, match=message):
        CsvOptions.parse(given)
