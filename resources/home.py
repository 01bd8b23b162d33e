"""Where Waybill keeps its own things when nobody says otherwise.

Read when something is needed, never at import: a code location loads without touching the disk.
"""

from __future__ import annotations

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def waybill_home() -> Path:
    """The home folder: `WAYBILL_HOME`, else `.waybill` beside the project's code."""
    given = os.environ.get("WAYBILL_HOME")
    return Path(given).expanduser().absolute() if given else PROJECT_ROOT / ".waybill"


def store_url() -> str:
    """Where datasets are kept: `WAYBILL_STORE` (any fsspec URL), else `store` in the home folder."""
    return os.environ.get("WAYBILL_STORE") or str(waybill_home() / "store")
