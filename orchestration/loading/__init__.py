"""From the files under `defs/` to definitions: what can be read is loaded, and every mistake gets one line with its place."""

BAD_FILES = "WAYBILL_BAD_FILES"
LEAVE_OUT, REFUSE = "leave_out", "refuse"
"""What the variable may say of a project with mistakes: serve the rest, or nothing."""

PROBLEMS = "waybill/problems"
"""Key of the definitions' metadata: what was left out and why, a line each."""
