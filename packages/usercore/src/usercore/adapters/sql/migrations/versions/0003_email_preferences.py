"""Email topics and what users say of them."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    """
    CREATE TABLE email_topics (
        name text COLLATE "C" NOT NULL,
        title text NOT NULL,
        description text NOT NULL,
        mandatory boolean NOT NULL,
        subscribed_by_default boolean NOT NULL,
        wording_version text NOT NULL,
        registered_at timestamptz NOT NULL,
        CONSTRAINT pk_email_topics PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE email_preferences (
        user_id uuid NOT NULL,
        topic text COLLATE "C" NOT NULL,
        subscribed boolean NOT NULL,
        source text NOT NULL,
        said_at timestamptz NOT NULL,
        wording_version text NOT NULL,
        CONSTRAINT pk_email_preferences PRIMARY KEY (user_id, topic),
        CONSTRAINT fk_email_preferences_user_id FOREIGN KEY (user_id) REFERENCES users (id)
    )
    """,
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for table in ("email_preferences", "email_topics"):
        op.drop_table(table)
