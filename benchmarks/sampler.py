"""Where a job's time goes: looks at every thread's stack at intervals and counts. Cheap, sees all threads."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType, TracebackType

_INTERVAL_SECONDS = 0.01
_DEPTH = 6


class Sampler:
    """Samples while its context lives, then writes the commonest stacks of each thread to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stacks: dict[str, Counter[str]] = {}
        self._samples = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="sampler", daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._path.write_text(self._report(), encoding="utf-8")

    def _sample(self) -> None:
        me = threading.get_ident()
        while not self._ended.wait(_INTERVAL_SECONDS):
            names = {thread.ident: thread.name for thread in threading.enumerate()}
            self._samples += 1
            # The one way to see other threads' stacks; documented as such in the standard library.
            for ident, frame in sys._current_frames().items():  # noqa: SLF001 - see above
                if ident != me:
                    stacks = self._stacks.setdefault(names.get(ident, "?"), Counter())
                    stacks[_stack_text(frame)] += 1

    def _report(self) -> str:
        lines = [f"{self._samples} samples, one in {_INTERVAL_SECONDS * 1000:.0f} ms"]
        for name, stacks in self._stacks.items():
            lines.append(f"\nthread {name}")
            for stack, count in stacks.most_common(25):
                lines.append(f"{count / max(1, self._samples):6.1%}  {stack}")
        return "\n".join(lines) + "\n"


def _stack_text(frame: FrameType | None) -> str:
    parts: list[str] = []
    while frame is not None and len(parts) < _DEPTH:
        code = frame.f_code
        parts.append(f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back
    return " < ".join(parts)
