"""Numbers that whoever runs the server may set in its environment; one that makes no sense is refused, not corrected."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from resources.kernel.errors import ConfigError


@dataclass(frozen=True)
class NumberSetting:
    """A number of the environment.

    Args:
        variable: where it is set.
        default: what counts when it is not set.
        least: the smallest that is taken.
        most: the largest.
        what: of what it is a number, for errors: `hours`.
    """

    variable: str
    default: float
    least: float
    most: float
    what: str

    def read(self) -> float:
        """The number.

        Raises:
            ConfigError: what is set is no number, or none that makes sense.
        """
        given = os.environ.get(self.variable, "").strip()
        if not given:
            return self.default
        try:
            number = float(given)
        except ValueError:
            number = math.nan
        if not self.least <= number <= self.most:  # nor is NaN
            raise ConfigError(
                f"{self.variable}: {given[:40]!r} is no number of {self.what} from {self.least:g} to {self.most:g}",
                hint=f"Write a number, or leave it out for {self.default:g}",
            )
        return number
