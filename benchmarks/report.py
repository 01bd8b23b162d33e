"""From measurements to what people read: medians, ratios to the limit, a Markdown table, JSON, the page in `docs`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.jobs import Contender, Goal, Job
from benchmarks.runner import Measurement

BEGIN = "<!-- benchmark table: begin (written by `python -m benchmarks --write-docs`) -->"
END = "<!-- benchmark table: end -->"
BUSY_CORES = 0.3  # other load above this makes a wall clock doubtful
_MEGA = 1_000_000


@dataclass(frozen=True)
class Summary:
    """All runs of one contender together; times are medians."""

    contender: Contender
    runs: int
    rows: int
    seconds: float
    fastest: float
    slowest: float
    cpu_seconds: float
    server_cpu_seconds: float
    peak_memory_bytes: int
    """The largest of all runs."""
    other_cores: float
    checked: bool
    differences: tuple[str, ...]
    error: str

    @property
    def wall_per_row(self) -> float:
        """Seconds a row."""
        return self.seconds / self.rows

    @property
    def cpu_per_row(self) -> float:
        """Processor seconds a row, client and server together."""
        return (self.cpu_seconds + self.server_cpu_seconds) / self.rows


def summarise(contender: Contender, runs: Sequence[Measurement]) -> Summary:
    """Sums up the runs of one contender; a single failure makes the whole contender a failure."""
    good = [run for run in runs if not run.error]
    errors = [run.error for run in runs if run.error]
    walls = [run.seconds for run in good] or [0.0]
    return Summary(
        contender=contender,
        runs=len(good),
        rows=runs[0].rows,
        seconds=median(walls),
        fastest=min(walls),
        slowest=max(walls),
        cpu_seconds=median([run.cpu_seconds for run in good] or [0.0]),
        server_cpu_seconds=median([run.server_cpu_seconds for run in good] or [0.0]),
        peak_memory_bytes=max([run.peak_memory_bytes for run in good] or [0]),
        other_cores=median([run.other_cores for run in good] or [0.0]),
        checked=any(run.checked for run in good),
        differences=next((run.differences for run in good if run.differences), ()),
        error=errors[0] if errors else "",
    )


def summaries_of(
    job: Job, contenders: Sequence[Contender], measurements: Sequence[Measurement]
) -> dict[str, Summary]:
    """A summary for each contender of a job that was run, by slug."""
    found: dict[str, Summary] = {}
    for contender in contenders:
        runs = [m for m in measurements if (m.job, m.contender) == (job.name, contender.slug)]
        if runs:
            found[contender.slug] = summarise(contender, runs)
    return found


def render_markdown(
    selection: Sequence[tuple[Job, list[Contender]]],
    measurements: Sequence[Measurement],
    facts: dict[str, str],
) -> str:
    """The whole report as Markdown."""
    parts = ["\n".join(f"- {name}: {value}" for name, value in facts.items())]
    for job, contenders in selection:
        summaries = summaries_of(job, contenders, measurements)
        parts.append(f"### {job.name}: {job.title}\n\n{job.intro}")
        parts.append(_table(job, summaries))
        parts.append(_goals(job, summaries))
    return "\n\n".join(part for part in parts if part) + "\n"


def render_json(
    selection: Sequence[tuple[Job, list[Contender]]],
    measurements: Sequence[Measurement],
    facts: dict[str, str],
) -> str:
    """The same as JSON: facts, summaries with ratios, and every single run."""
    jobs = {}
    for job, contenders in selection:
        summaries = summaries_of(job, contenders, measurements)
        limit = _usable(summaries, job.limit.slug)
        jobs[job.name] = {
            slug: {
                **asdict(summary),
                "wall_ratio": _ratio(summary, limit, "wall"),
                "cpu_ratio": _ratio(summary, limit, "cpu"),
            }
            for slug, summary in summaries.items()
        }
    runs = [asdict(measurement) for measurement in measurements]
    return json.dumps({"facts": facts, "jobs": jobs, "runs": runs}, indent=1) + "\n"


def is_sound(
    selection: Sequence[tuple[Job, list[Contender]]], measurements: Sequence[Measurement]
) -> bool:
    """Whether ours and the limits all ran and delivered the right rows; what peers did does not count."""
    counted = {(job.name, c.slug) for job, cs in selection for c in cs if c.family != "peer"}
    return not any(
        m.error or m.differences for m in measurements if (m.job, m.contender) in counted
    )


def write_docs(page: Path, markdown: str) -> None:
    """Puts the report between the markers of a page, in the place of the older one.

    Raises:
        ValueError: the page lacks the markers.
    """
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page.name} lacks the lines {BEGIN!r} and {END!r}")
    page.write_text(f"{head}{BEGIN}\n\n{markdown}\n{END}{tail}", encoding="utf-8")


def _table(job: Job, summaries: dict[str, Summary]) -> str:
    head = [
        "contender",
        "runs",
        "rows",
        "s, median (min-max)",
        "rows/s",
        "x limit: wall",
        "CPU s, client+server",
        "x limit: CPU/row",
        "peak RSS, MB",
        "others' cores",
        "rows right",
        "notes",
    ]
    rule = ["---"] + ["--:"] * (len(head) - 3) + ["---", "---"]
    lines = [f"| {' | '.join(cells)} |" for cells in (head, rule)]
    limit = _usable(summaries, job.limit.slug)
    lines += [_line(summary, limit) for summary in summaries.values()]
    return "\n".join(lines)


def _line(summary: Summary, limit: Summary | None) -> str:
    contender = summary.contender
    name = f"**{contender.title}**" if contender.family == "ours" else contender.title
    name += " (LIMIT)" if contender.family == "limit" else ""
    if summary.error or not summary.runs:
        error = summary.error.replace("|", "\\|")
        return f"| {name} | | | FAILED | | | | | | | | {error} |"
    doubt = "~" if summary.other_cores > BUSY_CORES else ""
    spread = f" ({summary.fastest:.2f}-{summary.slowest:.2f})" if summary.runs > 1 else ""
    wall, cpu = _ratio(summary, limit, "wall"), _ratio(summary, limit, "cpu")
    cells = [
        name,
        str(summary.runs),
        f"{summary.rows:,}",
        f"{doubt}{summary.seconds:.2f}{spread}",
        f"{doubt}{summary.rows / summary.seconds:,.0f}",
        f"{doubt}{wall:.2f}" if wall else "",
        f"{summary.cpu_seconds:.1f}+{summary.server_cpu_seconds:.1f}",
        f"{cpu:.2f}" if cpu else "",
        f"{summary.peak_memory_bytes / _MEGA:,.0f}",
        f"{summary.other_cores:.1f}",
        ("no" if summary.differences else "yes") if summary.checked else "not kept",
        "; ".join([contender.remark, *summary.differences]).strip("; ").replace("|", "\\|"),
    ]
    return "| " + " | ".join(cells) + " |"


def _goals(job: Job, summaries: dict[str, Summary]) -> str:
    lines = [line for goal in job.goals if (line := _goal(job, goal, summaries))]
    return "\n".join(["Goals:", "", *lines]) if lines else ""


def _goal(job: Job, goal: Goal, summaries: dict[str, Summary]) -> str:
    found = _reached(job, goal, summaries)
    if found is None:
        return f"- {goal.text}: not measured" if goal.contender in summaries else ""
    value, unit = found
    met = value >= goal.bound if goal.measure == "lead over peer" else value <= goal.bound
    return f"- {goal.text}: {value:,.2f}{unit}, {'reached' if met else 'MISSED'}"


def _reached(job: Job, goal: Goal, summaries: dict[str, Summary]) -> tuple[float, str] | None:
    ours = _usable(summaries, goal.contender)
    if ours is None:
        return None
    if goal.measure == "peak memory MB":
        return ours.peak_memory_bytes / _MEGA, " MB"
    if goal.measure == "lead over peer":
        peer = _usable(summaries, goal.peer)
        return (peer.wall_per_row / ours.wall_per_row, "x") if peer else None
    ratio = _ratio(ours, _usable(summaries, job.limit.slug), "wall")
    return (ratio, "x") if ratio else None


def _usable(summaries: dict[str, Summary], slug: str) -> Summary | None:
    summary = summaries.get(slug)
    return summary if summary is not None and summary.runs and not summary.error else None


def _ratio(summary: Summary, limit: Summary | None, of: str) -> float | None:
    """How many times the limit's time a row takes; None when either has none."""
    if limit is None or not summary.runs:
        return None
    mine, floor = (
        (summary.wall_per_row, limit.wall_per_row)
        if of == "wall"
        else (summary.cpu_per_row, limit.cpu_per_row)
    )
    return mine / floor if floor else None
