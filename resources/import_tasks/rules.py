"""Rule ids of what is wrong with an item of a task: one of them, with a reason, stands at each item that failed.

`docs/imports.md` explains each. Rules that a file breaks while it is read come from its reader (`resources/documents`,
`resources/media`); here are their names as people, API and failure lists see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

TaskRule = Literal[
    "format_not_taken",
    "type_not_taken",
    "type_mismatch",
    "empty",
    "no_text",
    "encrypted",
    "unreadable",
    "over_time",
    "over_memory",
    "over_size",
    "over_pages",
    "name_not_allowed",
    "archive_refused",
    "not_found",
    "forbidden",
    "changed",
    "not_https",
    "address_refused",
    "redirects",
    "dns",
    "tls",
    "unreachable",
    "timeout",
    "cut_off",
    "wrong_length",
    "too_large",
    "encoded",
    "rate_limited",
    "server_error",
    "unexpected_answer",
    "refused_by_robots",
    "same_page",
    "left_out",
    "metadata_refused",
    "upload_gone",
    "dataset_refused",
]
RULES: tuple[str, ...] = get_args(TaskRule)
MEANINGS: Mapping[TaskRule, str] = {
    "format_not_taken": "its name ends in none of the formats that tasks take",
    "type_not_taken": "the target does not take items of this type",
    "type_mismatch": "its content is not what its name says",
    "empty": "it has 0 bytes",
    "no_text": "it has no readable text: a scanned document, or a page that needs JavaScript",
    "encrypted": "it is protected by a password",
    "unreadable": "its content is damaged, or goes beyond what its format allows",
    "over_time": "reading it took longer than the limit",
    "over_memory": "reading it needed more memory than the limit",
    "over_size": "it has more bytes than the limit",
    "over_pages": "it has more pages than the limit",
    "name_not_allowed": "its name in the archive holds control characters, is too long, or is that of another member but for case",
    "archive_refused": "the archive is damaged, encrypted, or made to harm: a member whose name leads out of it, for one. None of its members is taken",
    "not_found": "it is no longer there",
    "forbidden": "it may not be read: by all, or with the credentials of the connector",
    "changed": "it changed while it was read",
    "not_https": "the address does not begin with https://, or one that it sends on to",
    "address_refused": "the address does not lead into the public internet, or has a user name or another port",
    "redirects": "the address was sent on too often",
    "dns": "the name of the site cannot be looked up",
    "tls": "the certificate of the site does not hold, or no safe connection could be made",
    "unreachable": "no connection to the site could be made",
    "timeout": "the site did not answer whole within its time",
    "cut_off": "the answer ended before its length",
    "wrong_length": "the answer announces a length that cannot be",
    "too_large": "the answer has more bytes than the limit",
    "encoded": "the answer is compressed, though nothing of the kind was asked for",
    "rate_limited": "the site was asked too often (status 429)",
    "server_error": "the site's server failed (status 500 and above)",
    "unexpected_answer": "the site answered with another status, or with no page",
    "refused_by_robots": "robots.txt of the site, or the page itself, forbids it",
    "same_page": "the task has the page under another address",
    "left_out": "the page is sent on to one that the task does not take",
    "metadata_refused": "a value of its own fields cannot be kept",
    "upload_gone": "the uploaded file is no longer kept",
    "dataset_refused": "the target's own import refused it",
}
PASSING: frozenset[str] = frozenset((
    "changed", "over_time", "over_memory", "dns", "unreachable", "timeout", "cut_off", "rate_limited", "server_error",
))  # fmt: skip
"""Rules of failures that may not come again: what a retry is most likely to mend."""
