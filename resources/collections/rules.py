"""Rule ids of specifications, items and schemas: what can be wrong, by the name under which `docs/collections.md` documents it.

A file's error stands alone: nothing is read further. Item errors are all listed, in the order of the file.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

FileRule = Literal[
    "json_syntax",
    "spec_not_object",
    "unknown_key",
    "section_not_array",
    "flag_not_boolean",
    "upsert_requires_skip",
    "no_items",
    "too_many_items",
    "too_many_urls",
    "csv_header_missing_url",
    "csv_header_unknown",
    "csv_syntax",
    "item_too_large",
    "file_unreadable",
]
"""The earlier one is told if a file breaks several."""
CollectionRule = Literal["type_not_taken"]
"""What a collection refuses of a specification that breaks no rule of its own."""
ItemRule = Literal[
    "item_not_object",
    "unknown_item_field",
    "url_missing",
    "url_not_string",
    "url_whitespace",
    "url_too_long",
    "url_no_scheme",
    "title_required",
    "title_not_string",
    "title_too_long",
    "group_no_urls",
    "group_index_invalid",
    "group_index_gap",
    "create_video_not_boolean",
    "group_mixed_create_video",
    "csv_column_count",
    "media_metadata_invalid",
    "media_metadata_missing",
    "media_metadata_type",
    "client_metadata_not_object",
    "client_metadata_too_large",
    "client_metadata_nul",
    "reserved_key_invalid",
    "metadata_type_mismatch",
    "metadata_value_too_long",
    "enum_value_unknown",
    "embedding_not_numeric",
    "embedding_size_mismatch",
    "config_not_video",
    "sampling_rate_invalid",
    "keyframe_mode_invalid",
    "frame_key_invalid",
]
ObjectRule = Literal[
    "object_not_found",
    "object_forbidden",
    "object_type_mismatch",
    "object_unreadable",
    "object_changed",
    "url_not_allowed",
    "dicom_inconsistent",
]
"""Found while an import looks at the objects: of one item each."""
SchemaRule = Literal[
    "schema_key_invalid",
    "schema_key_exists",
    "schema_key_missing",
    "schema_key_deleted",
    "schema_key_hard_deleted",
    "schema_key_not_deleted",
    "schema_type_unknown",
    "schema_not_enum",
    "enum_empty",
    "enum_too_many",
    "enum_duplicate",
    "embedding_size_range",
]

FILE_RULES: tuple[str, ...] = get_args(FileRule)
ITEM_RULES: tuple[str, ...] = get_args(ItemRule)
OBJECT_RULES: tuple[str, ...] = get_args(ObjectRule)
SCHEMA_RULES: tuple[str, ...] = get_args(SchemaRule)


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with a specification."""

    at: str
    """A JSON pointer (`/images/2/objectUrl`) or the row of a CSV file (`17`); empty, or row 0: the file as a whole."""
    rule: FileRule | CollectionRule | ItemRule
    message: str
    """What is wrong, with the value at hand; one line."""
    hint: str = ""
    """What to do."""
