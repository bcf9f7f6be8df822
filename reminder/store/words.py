"""Words found in the ledger without reading every text: by an index of the pieces of two or three characters that
texts consist of (migration 0012). Whoever asks reads the few texts that have all pieces of the words, and looks."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import TextClause, text
from sqlmodel import Session

MOST = 20_000  # measures; words that stand in more are soon met wherever one begins to read
MOST_BESIDE = 200_000  # the same where something else is wanted of them too
_PIECES = 60  # of what somebody looks for; more tell nothing new
_OFTEN = 0.05  # of PostgreSQL's measures, where its index is slower than reading
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Named:
    """`ids` selects the measures that may have the words; None where the index is of no help. `many`: there are more,
    and these are the first of them."""

    ids: TextClause | None
    many: bool = False


def named(session: Session, words: str, most: int) -> Named:
    """The measures in whose text, or whose problem's, `words` may stand; a few more than `most` of them at most."""
    if session.get_bind().dialect.name == "postgresql":
        return _on_postgresql(session, words)
    if not _indexed(session):
        return Named(None)
    ids = _by_trigrams(words, most + 1) if len(words) > 2 else _by_beginning(words, most + 1)
    found = session.connection().execute(text(f"SELECT count(*) FROM ({ids.text})").bindparams(**_bound(ids)))
    return Named(ids, many=found.scalar_one() > most)


def _indexed(session: Session) -> bool:
    """Whether this SQLite's FTS5 had trigrams when the database was made."""
    return bool(session.connection().execute(text("SELECT 1 FROM sqlite_master WHERE name = 'measure_words'")).first())


def _by_trigrams(words: str, most: int) -> TextClause:
    pieces = [words[n : n + 3].replace('"', '""') for n in range(len(words) - 2)][:_PIECES]
    return text(f"SELECT rowid AS id FROM measure_words WHERE measure_words MATCH :words LIMIT {most}").bindparams(
        words=" AND ".join(f'"{piece}"' for piece in pieces)
    )


def _by_beginning(words: str, most: int) -> TextClause:
    """What is shorter than a trigram is the beginning of some: behind each text stands a line break."""
    first = words.lower()
    return text(
        f"SELECT DISTINCT doc AS id FROM measure_words_by_piece WHERE term >= :first AND term < :last LIMIT {most}"
    ).bindparams(first=first, last=first + _LAST)


def _bound(statement: TextClause) -> dict[str, object]:
    return dict(statement.compile().params)


def _on_postgresql(session: Session, words: str) -> Named:
    """Its index reads all that it finds before the first is shown: what every twentieth measure has is soon met."""
    sampled = text(
        "SELECT count(*), count(*) FILTER (WHERE strpos(text, :words) > 0 OR strpos(problem_text, :words) > 0)"
        " FROM measure TABLESAMPLE SYSTEM (1) REPEATABLE (1)"
    )
    seen, having = session.connection().execute(sampled, {"words": words}).one()
    if having > _OFTEN * seen:
        return Named(None)
    pieces = [_quoted(words[n : n + 2]) for n in range(len(words) - 1)][:_PIECES]
    wanted = " & ".join(pieces) or _quoted(words) + ":*"
    found = "SELECT id FROM measure WHERE measure_pieces(text, problem_text) @@ CAST(:pieces AS tsquery)"
    return Named(text(found).bindparams(pieces=wanted))


def _quoted(piece: str) -> str:
    """As a tsquery writes it."""
    return "'" + piece.replace("\\", "\\\\").replace("'", "''") + "'"
