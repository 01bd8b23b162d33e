"""The demo's months with twenty flights a route: what lies where they land is left alone, and the run over them is shorter.

All routes and airlines stay, and so does what is missing of rare ones: models and vectors have the shape that they have of all flights.
"""

from __future__ import annotations

import csv
import gzip
import zipfile
from collections import Counter
from collections.abc import Iterable

from orchestration.services.demo_data import MONTHS, find_package_data, flights_key

OF_A_ROUTE = 20


def thinned_months(*whole: int) -> dict[str, list[str]]:
    """Key -> lines of the file, the header first; months in `whole` keep all."""
    with zipfile.ZipFile(find_package_data() / "flights.csv.zip") as zipped:
        header, *lines = zipped.read("flights.csv").decode().splitlines()
    names = header.split(",")
    month, *route = (names.index(name) for name in ("month", "carrier", "origin", "dest"))
    months = {number: [header] for number in MONTHS}
    seen: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        values = line.split(",")
        there = tuple(values[place] for place in route)
        seen[there] += 1
        number = int(values[month])
        if number in whole or seen[there] <= OF_A_ROUTE:
            months[number].append(line)
    return {flights_key(number): found for number, found in months.items()}


def packed(lines: Iterable[str]) -> bytes:
    """The file of a month."""
    return gzip.compress("\n".join([*lines, ""]).encode(), 1)


def departed(months: dict[str, list[str]]) -> list[dict[str, str]]:
    """The flights that have a departure delay."""
    flights = [flight for lines in months.values() for flight in csv.DictReader(lines)]
    return [flight for flight in flights if flight["dep_delay"] != "NA"]
