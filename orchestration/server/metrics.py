"""Figures for Prometheus at `/metrics`: what runs have done since this process began, what waits, and how requests went.

Off unless `WAYBILL_METRICS=1`. A scrape reads what ended since the one before it, by Dagster's index of status changes, and
counts what is under way; it never goes over all runs. Prometheus expects counters to begin anew with the process.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import dagster as dg
from dagster._core.events import DagsterEventType
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestration.services.access.visits import ROUTE
from resources.kernel.keys import noun_of_key

PATH = "/metrics"
PARTS = ("api", "data", "graphql", "login", "metrics")
PAGE = 500
PAGES_A_SCRAPE = 10
"""What ended since the last scrape is read in pages; what is beyond them is read by the next one."""

_ENDS = {
    DagsterEventType.RUN_SUCCESS: "success",
    DagsterEventType.RUN_FAILURE: "failure",
    DagsterEventType.RUN_CANCELED: "canceled",
}
_UNDER_WAY = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The figures of one server.

    Args:
        instance: whose runs are counted.
    """

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._scraping = threading.Lock()
        self._registry = found = CollectorRegistry()
        self._ended = Counter(
            "waybill_runs_ended", "Runs that ended, by how.", ["status"], registry=found
        )
        self._under_way = Gauge(
            "waybill_runs", "Runs that wait or work, by status.", ["status"], registry=found
        )
        self._made = Counter(
            "waybill_made", "Times that something was made, by noun.", ["noun"], registry=found
        )
        self._rows = Counter(
            "waybill_rows", "Rows of what was made, by noun.", ["noun"], registry=found
        )
        self._bytes = Counter(
            "waybill_bytes", "Bytes of what was stored, by noun.", ["noun"], registry=found
        )
        self._requests = Counter(
            "waybill_requests", "Requests answered.", ["route", "status"], registry=found
        )
        self._seconds = Histogram(
            "waybill_request_seconds",
            "How long answers took, to their end.",
            ["route"],
            buckets=_SECONDS,
            registry=found,
        )
        for status in _ENDS.values():
            self._ended.labels(status)
        self._cursors = {kind: self._newest(kind) for kind in _ENDS}

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Counts a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def scrape(self) -> bytes:
        """All figures as Prometheus reads them."""
        with self._scraping:
            for kind, status in _ENDS.items():
                for run_id in self._ended_since(kind):
                    self._ended.labels(status).inc()
                    self._count_made(run_id)
            for wanted in _UNDER_WAY:
                count = self._instance.get_runs_count(dg.RunsFilter(statuses=[wanted]))
                self._under_way.labels(wanted.value.lower()).set(count)
            return generate_latest(self._registry)

    def _newest(self, kind: DagsterEventType) -> str | None:
        found = self._instance.fetch_run_status_changes(kind, limit=1)
        return found.cursor if found.records else None

    def _ended_since(self, kind: DagsterEventType) -> Iterator[str]:
        for _ in range(PAGES_A_SCRAPE):
            found = self._instance.fetch_run_status_changes(
                kind, limit=PAGE, cursor=self._cursors[kind], ascending=True
            )
            for record in found.records:
                yield record.event_log_entry.run_id
            if found.records:
                self._cursors[kind] = found.cursor
            if not found.has_more:
                return

    def _count_made(self, run_id: str) -> None:
        kind = DagsterEventType.ASSET_MATERIALIZATION
        for entry in self._instance.all_logs(run_id, of_type=kind):
            made = entry.asset_materialization
            noun = noun_of_key(tuple(made.asset_key.path)) if made is not None else ""
            if made is None or not noun:
                continue
            self._made.labels(noun).inc()
            rows = _number(made, "dagster/partition_row_count", "dagster/row_count")
            self._rows.labels(noun).inc(rows)
            self._bytes.labels(noun).inc(_number(made, "size_bytes"))


class Metered:
    """ASGI middleware before the guard: counts every request, refused ones too."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on, and looks at the clock."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 500
        scope.setdefault("state", {})

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            self._metrics.observe(_route_of(scope), status, time.monotonic() - began)


class MetricsPage:
    """ASGI application behind the guard: the figures at `/metrics`, everything else from `app`.

    Args:
        app: what answers everything else.
        metrics: the figures.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers."""
        if scope["type"] != "http" or scope["path"].rstrip("/") != PATH:
            await self._app(scope, receive, send)
            return
        body = await asyncio.to_thread(self._metrics.scrape)
        length = str(len(body)).encode()
        headers = [(b"content-type", CONTENT_TYPE_LATEST.encode()), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _route_of(scope: Scope) -> str:
    """The template of the route, or the part of the address: never what a client typed in, which has no end."""
    known = scope["state"].get(ROUTE)
    if known:
        return str(known)
    first = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
    return first if first in PARTS else "dagster"


def _number(made: dg.AssetMaterialization, *names: str) -> float:
    for name in names:
        value = made.metadata.get(name)
        if isinstance(value, dg.IntMetadataValue) and value.value is not None:
            return max(0, value.value)
    return 0
