"""Files that are left out under `on_bad_file: skip`: those that cannot be read, and never most of them (E54).

A file that is damaged, cut off, of another format or in another encoding is left out with a warning. A file that can be
read and has another shape is an error whatever the option says, since nothing tells which shape is meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from resources.formats.files import SourceFile
from resources.formats.options import BadFilePolicy
from resources.kernel.errors import InputError, ParseError, SchemaMismatchError

_SHOWN = 250
_SKIPPED = "Skipped "


def reason_of(file: str, warnings: Iterable[str]) -> str:
    """Why a file was left out, by the warnings of its import; empty where it was not.

    A member of an archive that was left out leaves the archive itself in.
    """
    begin = f"{_SKIPPED}{file}: "
    return next((text.removeprefix(begin) for text in warnings if text.startswith(begin)), "")


@dataclass
class LeftOut:
    """What was left out so far of the files of one dataset."""

    total: int
    """Files that the dataset is made of, good and bad."""
    policy: BadFilePolicy
    errors: dict[str, InputError] = field(default_factory=dict)
    """Why, by the name of the file."""
    before: int = 0
    """Files that were left out before these were looked at: of `total`, and no more told of."""

    @classmethod
    def of(cls, files: Sequence[SourceFile], policy: BadFilePolicy) -> LeftOut:
        """Of files, some of which may have been left out on the way: half counts over all of them together."""
        before = max((file.left_out_before for file in files), default=0)
        return cls(len(files) + before, policy, before=before)

    def add(self, file: str, error: InputError) -> None:
        """Leaves a file out, if that is allowed. A file that was left out before counts once.

        Raises:
            InputError: the `error` itself, when the policy is `fail`, when it is about the shape of a readable file, or
                when no other file would be left.
            ParseError: more than half of the files would be left out.
        """
        is_shape = isinstance(error, SchemaMismatchError)
        if self.policy == "fail" or is_shape or self.total == 1:
            raise error
        self.errors.setdefault(file, error)
        if (self.before + len(self.errors)) * 2 > self.total:
            raise self._too_many()

    def warnings(self) -> list[str]:
        """What the import says about the files."""
        return [f"{_SKIPPED}{file}: {error}" for file, error in self.errors.items()]

    def _too_many(self) -> ParseError:
        file, error = next(iter(self.errors.items()))
        return ParseError(
            f"more than half of the {self.total:,} files cannot be read, this one for instance; `on_bad_file: skip`"
            f" leaves out at most half: {error.message[:_SHOWN]}",
            file=file,
            hint=error.hint or "Correct the files, the path or the options",
            left_out=list(self.errors),
        )
