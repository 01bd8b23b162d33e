"""API tokens can be paused: refused until somebody has them go on."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0011"
down_revision = "0010"


def upgrade(op: Operations) -> None:
    """Every token that there is goes on."""
    op.add_column(
        "access_tokens",
        sa.Column("is_paused", sa.Boolean, nullable=False, server_default=sa.false()),
    )
