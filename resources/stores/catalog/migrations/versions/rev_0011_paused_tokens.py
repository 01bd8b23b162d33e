"""API tokens can be paused: refused until somebody has them go on."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Every token that there is goes on."""
    op.add_column(
        "access_tokens",
        sa.Column("is_paused", sa.Boolean, nullable=False, server_default=sa.false()),
    )
