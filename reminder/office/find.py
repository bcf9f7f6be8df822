"""The measure that a person means by a code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from difflib import get_close_matches

from sqlmodel import Session, col, or_, select

from reminder.errors import UsageError
from reminder.store.tables import MeasureRow
from reminder.words import say


def find(session: Session, key: str, locale: str) -> MeasureRow:
    """The measure with this code, locked until the transaction ends. `LEDGER/CODE` where several ledgers have it;
    `/CODE` is the one of the ledger without a name.

    Raises:
        UsageError: no measure has this code, or several ledgers have it.
    """
    key = unicodedata.normalize("NFKC", key).strip()
    ledger, slash, code = key.partition("/")
    wanted = col(MeasureRow.code) == key
    if slash:
        wanted = or_(wanted, (col(MeasureRow.ledger) == ledger) & (col(MeasureRow.code) == code))
    found = session.exec(select(MeasureRow).where(wanted).with_for_update()).all()
    if not found:
        raise UsageError(_unknown(session, key, locale))
    if len(found) > 1:
        keys = say(locale, "office.comma").join(sorted(f"{row.ledger}/{row.code}" for row in found))
        raise UsageError(say(locale, "office.code_ambiguous", code=key, keys=keys))
    return found[0]


def _unknown(session: Session, key: str, locale: str) -> str:
    stored = session.exec(select(MeasureRow.ledger, MeasureRow.code)).all()
    keys = [f"{ledger}/{code}" if ledger else code for ledger, code in stored if not code.startswith("~")]
    if not keys:
        return say(locale, "office.no_measures", code=key)
    near = nearest(key, keys)
    return say(locale, "office.code_unknown_near" if near else "office.code_unknown", code=key, near=near)


def nearest(word: str, names: Collection[str]) -> str | None:
    """The one of `names` that `word` most likely stands for; of numbers the closest one."""
    if re.fullmatch(r"\d{1,9}", word):
        numbers = [name for name in names if re.fullmatch(r"\d{1,9}", name)]
        return min(numbers, key=lambda name: abs(int(name) - int(word)), default=None)
    return next(iter(get_close_matches(word, names, n=1, cutoff=0.5)), None)
