"""Snowflake: how it is read and written."""
