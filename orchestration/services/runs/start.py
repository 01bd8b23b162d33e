"""Work asked of the server: a run is put into its queue, and the caller gets the run's id at once.

Who asks twice with one key gets one run. Its id is made of the actor and the key, and the storage of runs takes an id
only once: so a second run cannot come about, whatever asks at the same moment or is killed in between.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEvent
from dagster._core.storage.tags import PARTITION_NAME_TAG

from orchestration.services.home import Home
from orchestration.services.locks import hold
from orchestration.services.runs.origin import code_origin, remote_origin
from resources.kernel.errors import InputError

ACTOR_TAG = "waybill/actor"
KEY_TAG = "waybill/idempotency_key"
KEY_LIMIT = 255
_TAG_LIMIT = 250
_NAMESPACE = uuid.UUID("6f0c7d9e-3b1a-4d55-9a57-3f6d2f1c8a10")


@dataclass(frozen=True)
class Asked:
    """Who wants a run.

    Args:
        actor: the name of who asks.
        key: the same key of the same actor means the same run; empty: a new run each time.
    """

    actor: str
    key: str = ""

    def __post_init__(self) -> None:
        """Refuses a key that no header could carry."""
        if len(self.key) > KEY_LIMIT or not (self.key.isascii() and self.key.isprintable()):
            raise InputError(
                f"an idempotency key has at most {KEY_LIMIT} printable ASCII characters",
                hint="A UUID is a good one",
            )

    @property
    def tags(self) -> dict[str, str]:
        """What a run says of who asked for it."""
        key = {KEY_TAG: self.key} if self.key else {}
        return {ACTOR_TAG: self.actor[:_TAG_LIMIT], **key}

    def make_run_id(self) -> str:
        """The id of the run that is asked for."""
        if not self.key:
            return str(uuid.uuid4())
        return str(uuid.uuid5(_NAMESPACE, json.dumps([self.actor, self.key])))


def start_run(
    home: Home,
    instance: dg.DagsterInstance,
    job: dg.JobDefinition,
    asked: Asked,
    *,
    assets: Collection[dg.AssetKey] = (),
    config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Puts a run into the queue of the server of this home folder; its id. Waits for nothing.

    Args:
        home: holds the locks that order those who ask with one key.
        instance: where the run is recorded.
        job: what runs.
        asked: who wants it.
        assets: only these of the job; all when empty.
        config: the run's config.
        tags: of the run, beside the job's own.

    Raises:
        InputError: the key of `asked` was used for other work.
    """
    run_id = asked.make_run_id()
    with in_turn(home, run_id) if asked.key else nullcontext():
        run = instance.get_run_by_id(run_id) if asked.key else None
        if run is None:
            run = instance.create_run_for_job(
                job,
                run_id=run_id,
                run_config=config,
                tags={**job.tags, **(tags or {}), **asked.tags},
                asset_selection=frozenset(assets) or None,
                remote_job_origin=remote_origin(job.name),
                job_code_origin=code_origin(job.name),
            )
        _check_same(run, job, assets, config, partition=(tags or {}).get(PARTITION_NAME_TAG, ""))
        enqueue(instance, run)
    return run_id


def enqueue(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Puts a run into the queue that is not there yet: new, or of a process that was killed right after making it."""
    if run.status == dg.DagsterRunStatus.NOT_STARTED:
        instance.report_dagster_event(DagsterEvent.job_enqueue(run), run_id=run.run_id)


@contextmanager
def in_turn(home: Home, run_id: str) -> Iterator[None]:
    """Lets those in one after the other who are about the same run."""
    with hold(home.locks / f"start-{run_id[0]}.lock", wait=True):  # 16 files, however many runs
        yield


def _check_same(
    run: dg.DagsterRun,
    job: dg.JobDefinition,
    assets: Collection[dg.AssetKey],
    config: Mapping[str, Any] | None,
    *,
    partition: str,
) -> None:
    of = run.tags.get(PARTITION_NAME_TAG, "")
    made = (run.job_name, run.asset_selection or frozenset(), run.run_config or {}, of)
    if made != (job.name, frozenset(assets), config or {}, partition):
        raise used_before(run)


def used_before(run: dg.DagsterRun) -> InputError:
    """The refusal of a key that stands for another run."""
    return InputError(
        f"the idempotency key was used for other work before: run {run.run_id} of {run.job_name}",
        hint="Give each piece of work a key of its own",
        run_id=run.run_id,
    )
