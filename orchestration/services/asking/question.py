"""What may be asked, and what it is answered from.

A use case that needs the users' definitions, talks to another system, reads data or may take long is a question. It is
answered in a fork of the code location's process, which ends with the answer: it cannot block or break the web
process, the client may hang up, and it is killed when it takes too long or too much memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from orchestration.services.access.actor import Actor
from resources.kernel.errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.location import Location
    from orchestration.services.home import Home
    from orchestration.services.runs.workplace import Workplace
    from resources.stores.tables import TableStore

SECONDS = 60.0
MEMORY_BYTES = 4_000_000_000
R = TypeVar("R")
_PACKAGE = "orchestration.services.questions"


@dataclass
class Desk:
    """What a question is answered from.

    Args:
        project: the code location's name.
        home: the home folder.
        actor: who asks.
        open_location: gives the loaded definitions, or raises why there are none.
        store_url: where datasets are kept if there are no definitions to say so.
        tell: passes on to the client what happens meanwhile.
    """

    project: str
    home: Home
    actor: Actor
    open_location: Callable[[], Location]
    store_url: str = ""
    tell: Callable[[Any], None] = lambda _event: None

    @cached_property
    def location(self) -> Location:
        """The users' definitions.

        Raises:
            ConfigError: they do not load.
        """
        return self.open_location()

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's instance of the home folder."""
        from orchestration.services.instance import open_instance

        return open_instance(self.home)

    def workplace(self, key: str = "") -> Workplace:
        """Where a run takes place that is asked for.

        Args:
            key: the asker's own: the same one again is the same run.

        Raises:
            ConfigError: the definitions do not load.
        """
        from orchestration.services.runs.start import Asked
        from orchestration.services.runs.workplace import Workplace

        return Workplace(self.home, self.location, self.instance, Asked(self.actor.name, key))

    @cached_property
    def store(self) -> TableStore:
        """Where datasets are kept; also while the definitions do not load.

        Raises:
            ConfigError: nothing says where.
        """
        from resources.stores.tables import TableStore

        try:
            return self.location.store()
        except ConfigError:
            if not self.store_url:
                raise
            return TableStore.open(self.store_url)


@dataclass(frozen=True)
class Question(Generic[R]):
    """One thing that may be asked.

    Args:
        name: `noun.verb`, as in the command line, the HTTP API and the pages.
        answer: `answer(desk, **arguments)`; arguments are plain values, the result a dataclass of such.
        kind: what comes back.
        seconds: how long it may take.
        memory_bytes: how much memory the process may take for it.
    """

    name: str
    answer: Callable[..., R]
    kind: type[R]
    seconds: float = SECONDS
    memory_bytes: int = MEMORY_BYTES


@dataclass(frozen=True)
class Streamed(Generic[R]):
    """An answer with bytes behind it; a question whose result is one is asked by `stream`.

    Args:
        head: says what the bytes are.
        chunks: the bytes, made while they are sent.
    """

    head: R
    chunks: Iterable[bytes]


def find_question(name: str) -> Question[Any]:
    """The question of that name.

    Raises:
        NotFoundError: there is none.
    """
    noun = name.partition(".")[0].replace("-", "_")
    if noun.isidentifier():
        try:
            questions: tuple[Question[Any], ...] = import_module(f"{_PACKAGE}.{noun}").QUESTIONS
        except ModuleNotFoundError:
            questions = ()
        for question in questions:
            if question.name == name:
                return question
    raise NotFoundError(f"there is no question {name!r}")
