"""An index of the words of measures and problems: what somebody looks for is found without reading every text

Neither database's own index of words knows where a Chinese one ends, so every piece of some characters is one: of three
on SQLite (FTS5's trigrams), of two on PostgreSQL, where this needs no extension. Kept true by triggers and by an index
on an expression. A later migration that makes the table `measure` anew (Alembic's batch mode) drops SQLite's triggers
with it and has to make them anew.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy.exc import OperationalError

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Line breaks stand behind each text, so that its last character too begins a piece, and none is of both texts' words.
_TOLD = "{row}.text || char(10) || {row}.problem_text || char(10, 10)"
_IN = f"INSERT INTO measure_words(rowid, words) VALUES (NEW.id, {_TOLD.format(row='NEW')});"
_OUT = f"INSERT INTO measure_words(measure_words, rowid, words) VALUES ('delete', OLD.id, {_TOLD.format(row='OLD')});"
# without the texts and the places of the pieces: some 75 bytes a measure
SQLITE = (
    "CREATE VIRTUAL TABLE measure_words USING fts5(words, content='', detail=none, tokenize='trigram')",
    "CREATE VIRTUAL TABLE measure_words_by_piece USING fts5vocab('measure_words', 'instance')",
    f"INSERT INTO measure_words(rowid, words) SELECT id, {_TOLD.format(row='measure')} FROM measure",
    f"CREATE TRIGGER measure_words_in AFTER INSERT ON measure BEGIN {_IN} END",
    f"CREATE TRIGGER measure_words_out AFTER DELETE ON measure BEGIN {_OUT} END",
    "CREATE TRIGGER measure_words_anew AFTER UPDATE OF id, text, problem_text ON measure "
    "WHEN OLD.id <> NEW.id OR OLD.text <> NEW.text OR OLD.problem_text <> NEW.problem_text "
    f"BEGIN {_OUT} {_IN} END",
)
POSTGRESQL = (
    """CREATE FUNCTION measure_pieces(text, text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
        SELECT array_to_tsvector(array_agg(one || coalesce(next, '')))
        FROM (SELECT string_to_array($1 || chr(10) || $2, NULL) AS every) AS told,
            unnest(told.every, told.every[2:]) AS pair(one, next)
    $$""",
    "CREATE INDEX ix_measure_words ON measure USING gin (measure_pieces(text, problem_text))",
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in POSTGRESQL:
            op.execute(statement)
    elif _has_trigrams():
        for statement in SQLITE:
            op.execute(statement)


def _has_trigrams() -> bool:
    """Since SQLite 3.34, where FTS5 is built in. Without them every text is read, as before."""
    try:
        op.execute("CREATE VIRTUAL TABLE temp.measure_words_tried USING fts5(words, tokenize='trigram')")
    except OperationalError:
        return False
    op.execute("DROP TABLE temp.measure_words_tried")
    return True


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_measure_words", "measure")
        op.execute("DROP FUNCTION measure_pieces")
        return
    for name in ("in", "out", "anew"):
        op.execute(f"DROP TRIGGER IF EXISTS measure_words_{name}")
    op.execute("DROP TABLE IF EXISTS measure_words_by_piece")
    op.execute("DROP TABLE IF EXISTS measure_words")
