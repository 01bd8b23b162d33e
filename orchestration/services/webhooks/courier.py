"""Brings events to webhooks, beside the requests of `waybill up`: a round every second, and a lane for each webhook.

**What holds.** A delivery is claimed before it is sent and noted when it was answered; a process that dies in between has
it sent again by whoever looks next, under the same id. A lane sends one after the other, so a receiver that is slow or dead
keeps nobody waiting but itself; one that fails rests, longer each time up to a minute, or as long as it asks for.

**What it costs.** Two short questions to the catalog a second, and a thread for each webhook while something is sent to it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import dagster as dg

from orchestration.services.runs.detail import is_tried_again, retry_of
from orchestration.services.webhooks.failed_runs import note_failed_runs
from orchestration.services.webhooks.lost_imports import note_lost_imports
from orchestration.services.webhooks.sending import Sender, outcome_of
from resources.kernel.errors import WaybillError
from resources.stores.catalog.access.records import now
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.webhooks.deliveries import (
    claim,
    due_webhooks,
    held_runs,
    prune,
    release,
    settle,
    withdraw,
)
from resources.stores.catalog.webhooks.records import ClaimedDelivery

POLL_SECONDS = 1.0
LOOK_EVERY = timedelta(seconds=15)
"""How often runs are looked for that failed, and imports whose runs ended without a word."""
PRUNE_EVERY = timedelta(hours=1)
LONGEST_REST = timedelta(minutes=1)
FIRST_REST = timedelta(seconds=2)
logger = logging.getLogger(__name__)


@dataclass
class _Lane:
    """What is sent to one webhook, one after the other."""

    is_busy: bool = False
    failures: int = 0
    rests_until: datetime | None = None

    def rest(self, moment: datetime, wish: timedelta | None) -> None:
        """Sends nothing for a while."""
        pause = min(FIRST_REST * 2**self.failures, LONGEST_REST)
        self.failures = min(self.failures + 1, 10)
        self.rests_until = moment + max(pause, wish or timedelta())

    def recover(self) -> None:
        """Goes on at once."""
        self.failures, self.rests_until = 0, None

    def is_free(self, moment: datetime) -> bool:
        """Whether something may be sent now."""
        return not self.is_busy and (self.rests_until is None or self.rests_until <= moment)


@dataclass
class Courier:
    """Sends what is in the outbox of a catalog, as long as the context lives.

    Args:
        database: the catalog.
        instance: knows which runs are over.
        open_sender: makes what sends, once there is something to send.
        clock: the time.
    """

    database: CatalogDatabase
    instance: dg.DagsterInstance
    open_sender: Callable[[], Sender] = Sender.of_home
    clock: Callable[[], datetime] = now
    _lanes: dict[int, _Lane] = field(default_factory=dict)
    _next: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        # What is being sent now may be cut off: whoever starts next sends it again.
        self._stop.set()
        self._thread.join(POLL_SECONDS * 2)

    def round(self) -> list[threading.Thread]:
        """Looks once for what is to be done; returns the threads that do it."""
        if not self.database.exists():
            return []
        moment = self.clock()
        if self._is_time("look", moment, LOOK_EVERY):
            note_lost_imports(self.database, self.instance)
            note_failed_runs(self.database, self.instance, moment)
        if self._is_time("prune", moment, PRUNE_EVERY):
            with self.database.write() as connection:
                prune(connection, moment)
        with self.database.read() as connection:
            held, due = held_runs(connection), due_webhooks(connection, moment)
        for run_id in held:
            self._settle_held(run_id)
        return [self._start(webhook_id) for webhook_id in due if self._take(webhook_id, moment)]

    def _run(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                self.round()
            except WaybillError as error:
                logger.warning("events wait in the outbox: %s", error)
            except Exception:
                logger.exception("events wait in the outbox")

    def _is_time(self, what: str, moment: datetime, every: timedelta) -> bool:
        if self._next.get(what, moment) > moment:
            return False
        self._next[what] = moment + every
        return True

    def _settle_held(self, run_id: str) -> None:
        """Lets go what was held until the end of a run, unless another run tries the same again."""
        run = self.instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            return
        if run is None or not is_tried_again(run):
            change = release
        elif retry_of(self.instance, run):
            change = withdraw
        else:
            return  # it will be tried again, and was not yet
        with self.database.write() as connection:
            change(connection, run_id)

    def _take(self, webhook_id: int, moment: datetime) -> bool:
        with self._lock:
            lane = self._lanes.setdefault(webhook_id, _Lane())
            if not lane.is_free(moment):
                return False
            lane.is_busy = True
            return True

    def _start(self, webhook_id: int) -> threading.Thread:
        thread = threading.Thread(
            target=self._drive, args=(webhook_id,), name=f"webhook {webhook_id}", daemon=True
        )
        thread.start()
        return thread

    def _drive(self, webhook_id: int) -> None:
        """Sends what is due to one webhook until nothing is, or until it fails."""
        lane = self._lanes[webhook_id]
        try:
            sender = self.open_sender()
            while not self._stop.is_set() and (claimed := self._claim(webhook_id)):
                if not self._deliver(sender, claimed, lane):
                    return
        except WaybillError as error:
            logger.warning("events wait in the outbox: %s", error)
            lane.rest(self.clock(), None)
        except Exception:
            logger.exception("events wait in the outbox")
            lane.rest(self.clock(), None)
        finally:
            lane.is_busy = False

    def _claim(self, webhook_id: int) -> ClaimedDelivery | None:
        with self.database.write() as connection:
            return claim(connection, webhook_id, self.clock())

    def _deliver(self, sender: Sender, claimed: ClaimedDelivery, lane: _Lane) -> bool:
        """Whether the webhook may be sent more at once."""
        delivery = claimed.delivery
        attempt = sender.send(claimed.webhook, delivery.id, delivery.body)
        outcome = outcome_of(claimed, attempt, self.clock())
        with self.database.write() as connection:
            settle(connection, claimed, outcome)
        if not attempt.is_delivered:
            alias, reason = claimed.webhook.alias, attempt.reason
            logger.warning("webhook %s: %s is %s: %s", alias, delivery.id, outcome.state, reason)
        if attempt.may_pass:
            lane.rest(self.clock(), attempt.retry_after)
            return False
        lane.recover()
        return True
