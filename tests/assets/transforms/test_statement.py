import sys

import pytest

from assets.transforms.statement import parse_statement, trace_columns
from resources.kernel.errors import ConfigError

SCHEMAS = {"flights": ["carrier", "dep_delay", "note"], "airlines": ["carrier", "name"]}


@pytest.mark.parametrize(
    ("sql", "inputs"),
    [
        ("select * from flights", ("flights",)),
        ("FROM flights SELECT carrier;", ("flights",)),
        ('select * from "library/chunks" join flights using (id)', ("flights", "library/chunks")),
        ("select * from flights f join airlines a using (carrier)", ("airlines", "flights")),
        (
            "with late as (select * from flights) select * from late, airlines",
            ("airlines", "flights"),
        ),
        ("select (select max(name) from airlines) as n from flights", ("airlines", "flights")),
        ("select 1 from flights union all select 2 from airlines", ("airlines", "flights")),
        ('select * from "flights" -- from nowhere', ("flights",)),
        ("with Late as (select * from flights) select * from LATE", ("flights",)),
        ("with flights as (select * from flights) select * from flights", ("flights",)),
        (
            "select * from airlines, (with airlines as (select * from flights) select * from airlines)",
            ("airlines", "flights"),
        ),
        (
            "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select * from n, flights",
            ("flights",),
        ),
        (
            "with recursive n as (select i from n union all select i + 1 from n where i < 3) select * from n",
            ("n",),
        ),
        (
            "with recursive n as (with m as (from n) from m union all select i + 1 from n) select * from n, flights",
            ("flights", "n"),
        ),
        ("with recursive n as (select i from n) select * from n", ("n",)),
    ],
    ids=[
        *(
            "plain",
            "from first",
            "what hangs on another",
            "join",
            "cte",
            "scalar subquery",
            "union",
            "quoted",
        ),
        *("cte in other letters", "cte over its own name", "cte of a subquery", "recursive"),
        *("recursive over a dataset of its name", "the same within", "recursive in word only"),
    ],
)
def test_the_inputs_are_the_tables_that_the_sql_names(sql, inputs):
    assert parse_statement(sql, name="t").inputs == inputs


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("delete from flights", "expected one SELECT, found DELETE"),
        ("create table x as select * from flights", "expected one SELECT, found CREATE"),
        ("copy flights to 'x.csv'", "expected one SELECT, found COPY"),
        ("attach 'x.db'", "expected one SELECT, found ATTACH"),
        ("install httpfs", "expected one SELECT|cannot be read"),
        ("select * from flights; drop table flights", "found 2 statements"),
        ("select * from read_csv('/etc/passwd')", "is not a dataset"),
        ("select * from '/etc/passwd'", "is not a dataset"),
        ("select * from flights, read_text('/etc/passwd')", "is not a dataset"),
        ("select (select content from read_text('/etc/passwd')) from flights", "is not a dataset"),
        ("select * from flights where exists (from glob('/*'))", "is not a dataset"),
        ("select * from main.flights", "is not a dataset"),
        ("select * from 'library/../flights'", "is not a dataset"),
        (f"select {'(' * 150}1{')' * 150} from flights", "nested too deep"),
        ("select * from Flights", "is not a dataset"),
        ("select 1", "names no dataset"),
        ("selec * from flights", "cannot be read|found"),
        ("", "found 0 statements"),
    ],
)
def test_anything_but_one_select_over_datasets_is_refused(sql, message):
    with pytest.raises(ConfigError, match=message):
        parse_statement(sql, name="t")


def test_column_lineage_follows_aliases_joins_and_expressions():
    statement = parse_statement(
        "with late as (select carrier, avg(dep_delay) as d, count(*) as n from flights group by all)"
        " select l.carrier, d, n, upper(a.name) || l.carrier as label, 1 as one"
        " from late l join airlines a on a.carrier = l.carrier",
        name="t",
    )
    traced = trace_columns(statement, ["carrier", "d", "n", "label", "one"], SCHEMAS)
    assert traced == {
        "carrier": [("flights", "carrier")],
        "d": [("flights", "dep_delay")],
        "label": [("airlines", "name"), ("flights", "carrier")],
    }


def test_column_lineage_of_a_star_needs_the_schemas():
    statement = parse_statement("select * exclude (note) from flights", name="t")
    assert trace_columns(statement, ["carrier", "dep_delay"], SCHEMAS) == {
        "carrier": [("flights", "carrier")],
        "dep_delay": [("flights", "dep_delay")],
    }


def test_column_lineage_that_cannot_be_traced_is_left_out():
    statement = parse_statement("select carrier from flights", name="t")
    assert trace_columns(statement, ["no_such"], SCHEMAS) == {}


def wide(columns: int) -> tuple[str, list[str]]:
    names = [f"c{n}" for n in range(columns)]
    plus = ", ".join(f"{name} + 1 as {name}" for name in names)
    both = ", ".join(f"coalesce(b.{name}, t.{name}) as {name}" for name in names)
    return (
        f"with a as (select {plus} from t), b as (select * from a) select {both} from b join t using (c0)",
        names,
    )


def calls_of(work) -> int:
    """How many functions are called: what it costs, on any machine and under any load."""
    count = 0

    def note(_frame, event, _argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_the_cost_of_column_lineage_grows_with_the_columns_and_not_with_their_square():
    costs = []
    for columns in (50, 200):
        sql, names = wide(columns)
        statement = parse_statement(sql, name="t")
        traced = {}
        costs.append(
            calls_of(lambda: traced.update(trace_columns(statement, names, {"t": names})))  # noqa: B023 - called at once
        )
        assert traced == {name: [("t", name)] for name in names}
    assert costs[1] < 6 * costs[0]
