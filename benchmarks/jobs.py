"""What a job of the benchmark is: those who do it, and what Waybill has promised about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["ours", "limit", "peer"]
TargetState = Literal["none", "empty", "filled"]


@dataclass(frozen=True)
class Contender:
    """One way to do a job."""

    slug: str
    """What `--contenders` calls it."""
    family: Family
    title: str
    entry: str
    max_rows: int | None = None
    """Slow ways get fewer rows and are compared per row."""
    target: TargetState = "none"
    """What stands in the place of the target table before each run."""
    remark: str = ""


@dataclass(frozen=True)
class Goal:
    """What Waybill has promised about a job: an upper bound of a ratio or of memory."""

    contender: str
    text: str
    measure: Literal["wall ratio to limit", "lead over peer", "peak memory MB"]
    bound: float
    peer: str = ""


@dataclass(frozen=True)
class Job:
    """A job with its contenders; the first of family `limit` is what the others are held against."""

    name: str
    title: str
    intro: str
    needs_server: bool
    reads_dataset: bool
    """Whether ours starts from a stored dataset, which is then made beforehand."""
    contenders: tuple[Contender, ...]
    goals: tuple[Goal, ...]
    needs_mariadb: bool = False

    needs_objects: bool = False
    """Whether it reads the bucket of small objects."""

    @property
    def limit(self) -> Contender:
        """The contender that ratios refer to."""
        return next(c for c in self.contenders if c.family == "limit")
