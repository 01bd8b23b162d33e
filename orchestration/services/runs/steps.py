"""Names of steps. Imports no Dagster: the command line names them before it starts anything."""

from __future__ import annotations


def step_name(key: str) -> str:
    """A step as people know it: `exports__orders.deliver_orders` is `exports/orders: deliver`."""
    asset, _, op = key.replace("__", "/").partition(".")
    verb = op.removesuffix(f"_{asset.rpartition('/')[2]}")
    return f"{asset}: {verb}" if verb else asset
