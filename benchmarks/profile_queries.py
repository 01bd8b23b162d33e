"""The facts of a profile by DuckDB's own exact aggregates: what somebody who knows it well would ask, in 4 GB.

Quantiles, moments and extremes in one query for some columns at a time; distinct and most frequent values by one grouping a column;
bins and outliers, repeated rows, patterns of missing cells; correlations of all rows; what needs ranks or categories on a sample of
100,000 rows, as `resources/profiles` has it. Nothing is kept or drawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import duckdb

SAMPLE_ROWS, SEED = 100_000, 13
_COLUMNS_AT_ONCE = 20
_PAIRS_AT_ONCE = 500
_BINS = 30
_MEMORY = "4GB"
"""Beyond it DuckDB works on disk: distinct rows of 200 columns would take a whole machine."""
_CATEGORIES = 100
_QUANTILES = "[0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1]"


@dataclass
class BareProfile:
    """Asks everything of some Parquet files, step by step.

    Args:
        files: the table.
        threads: of DuckDB.
    """

    files: Sequence[Path]
    threads: int
    seconds: dict[str, float] = field(default_factory=dict)
    """Processor time of each step."""

    def run(self) -> None:
        """All steps."""
        listed = [str(file) for file in self.files]
        config = {"threads": str(self.threads), "memory_limit": _MEMORY}
        with duckdb.connect(config=config) as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute(f"CREATE VIEW t AS FROM read_parquet({listed!r})")
            self._connection = connection
            kinds = connection.execute("DESCRIBE t").fetchall()
            self._numbers = [f'"{row[0]}"' for row in kinds if _is_number(row[1])]
            self._times = [f'"{row[0]}"' for row in kinds if row[1].startswith(("DATE", "TIME"))]
            self._texts = [f'"{row[0]}"' for row in kinds if row[1] == "VARCHAR"]
            self._flags = [f'"{row[0]}"' for row in kinds if row[1] == "BOOLEAN"]
            self._distinct: dict[str, int] = {}
            for name, step in self._steps():
                started = time.process_time()
                step()
                self.seconds[name] = round(time.process_time() - started, 2)

    def _steps(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        return (
            ("aggregates and quantiles", self._aggregates),
            ("distinct and most frequent", self._groups),
            ("bins and outliers", self._bins),
            ("repeated rows", self._repeated),
            ("patterns of missing cells", self._patterns),
            ("Pearson, all rows", self._pearson),
            ("Spearman, V, eta on a sample", self._sampled),
        )

    def _all(self) -> list[str]:
        return [*self._numbers, *self._times, *self._texts, *self._flags]

    def _ask(self, sql: str) -> list[tuple[object, ...]]:
        return self._connection.execute(sql).fetchall()

    def _aggregates(self) -> None:
        asked = [*map(_of_number, self._numbers), *map(_of_time, self._times)]
        asked += [*map(_of_text, self._texts), *(f"count({c}), count_if({c})" for c in self._flags)]
        for start in range(0, len(asked), _COLUMNS_AT_ONCE):
            self._ask(f"SELECT {', '.join(asked[start : start + _COLUMNS_AT_ONCE])} FROM t")

    def _groups(self) -> None:
        for column in self._all():
            found = self._ask(
                f"SELECT count(*), count(*) FILTER (n = 1), max_by(v, n, 10), max(n, 10) FROM"
                f" (SELECT {column} AS v, count(*) AS n FROM t WHERE {column} IS NOT NULL GROUP BY v)"
            )
            self._distinct[column] = int(str(found[0][0]))

    def _bins(self) -> None:
        """Ends and fences are known by now: they are asked for again, which costs little."""
        for column in [*self._numbers, *self._times]:
            value = f"{column}::DOUBLE" if column in self._numbers else f"epoch({column})"
            low, high = self._ask(f"SELECT min({value}), max({value}) FROM t")[0]
            width = f"(({high!r} - {low!r}) / {_BINS}.0)"
            self._ask(
                f"SELECT floor(({value} - {low!r}) / {width}) AS bin, count(*),"
                f" count(*) FILTER ({value} < {low!r} OR {value} > {high!r}) FROM t"
                f" WHERE {column} IS NOT NULL GROUP BY bin"
            )

    def _repeated(self) -> None:
        self._ask("SELECT count(*) FROM (SELECT DISTINCT * FROM t)")

    def _patterns(self) -> None:
        masks = ", ".join(f"{column} IS NULL" for column in self._all())
        self._ask(f"SELECT count(*) AS r, {masks} FROM t GROUP BY ALL ORDER BY r DESC LIMIT 20")

    def _pearson(self) -> None:
        self._correlate(self._numbers, "t")

    def _correlate(self, columns: Sequence[str], table: str) -> None:
        pairs = [f"corr({a}, {b})" for a, b in combinations(columns, 2)]
        for start in range(0, len(pairs), _PAIRS_AT_ONCE):
            self._ask(f"SELECT {', '.join(pairs[start : start + _PAIRS_AT_ONCE])} FROM {table}")

    def _sampled(self) -> None:
        categories = [c for c in self._texts if 2 <= self._distinct[c] <= _CATEGORIES]
        categories += self._flags
        wanted = ", ".join([*self._numbers, *categories])
        self._ask(
            f"CREATE TABLE s AS SELECT {wanted} FROM t"
            f" USING SAMPLE reservoir({SAMPLE_ROWS} ROWS) REPEATABLE ({SEED})"
        )
        ranks = [
            f"CASE WHEN {c} IS NOT NULL THEN rank() OVER (ORDER BY {c}) + (count(*) OVER (PARTITION BY {c}) - 1) / 2 END"
            f" AS {c}"
            for c in self._numbers
        ]
        self._ask(f"CREATE TABLE r AS SELECT {', '.join(ranks)} FROM s")
        self._correlate(self._numbers, "r")
        for a, b in combinations(categories, 2):
            self._ask(_CRAMER.format(a=a, b=b))
        for category in categories:
            sums = ", ".join(f"count({c}), sum({c}), sum({c} * {c})" for c in self._numbers)
            self._ask(f"SELECT {category}, {sums} FROM s GROUP BY 1")


_CRAMER = """
WITH o AS (SELECT {a} AS x, {b} AS y, count(*) AS n FROM s WHERE {a} IS NOT NULL AND {b} IS NOT NULL GROUP BY ALL),
     e AS (SELECT n, sum(n) OVER (PARTITION BY x) AS nx, sum(n) OVER (PARTITION BY y) AS ny, sum(n) OVER () AS a FROM o)
SELECT sqrt((sum(n * n / (nx * ny)) - 1)) FROM e
"""


def _is_number(kind: str) -> bool:
    return (
        kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "FLOAT") or "DECIMAL" in kind
    )


def _of_number(column: str) -> str:
    return (
        f"count({column}), min({column}), max({column}), avg({column}), stddev_samp({column}), skewness({column}),"
        f" count_if({column} = 0), count_if({column} < 0), count_if(isinf({column}::DOUBLE)), count_if(isnan({column}::DOUBLE)),"
        f" min({column}, 5), max({column}, 5), quantile_cont({column}, {_QUANTILES})"
    )


def _of_time(column: str) -> str:
    return (
        f"count({column}), min({column}), max({column}), min({column}, 5), max({column}, 5),"
        f" quantile_disc({column}, {_QUANTILES})"
    )


def _of_text(column: str) -> str:
    return (
        f"count({column}), min(length({column})), max(length({column})), avg(length({column})),"
        f" count_if(trim({column}) = '')"
    )
