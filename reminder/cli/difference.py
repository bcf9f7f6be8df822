"""Two plans side by side: what the other configuration adds, removes, moves or says differently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from reminder.domain.reminder import Key, Reminder

Change = Literal["added", "removed", "moved", "changed"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One reminder that is not the same in both plans; `before` or `after` is None where only one plan has it.

    `changed` ones go at the same instant about other measures or distances.
    """

    change: Change
    before: Reminder | None
    after: Reminder | None

    @property
    def shown(self) -> Reminder:
        """The reminder as it would be; a removed one as it is."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a difference has a side")
        return found


def differences(
    before: Iterable[Reminder], after: Iterable[Reminder], was: Mapping[str, str | None]
) -> list[Difference]:
    """What differs, in the order of the plans. `was` gives the earlier names of the other plan's rules."""
    old = {reminder.key: reminder for reminder in before}
    new = {(was.get(reminder.key[0]) or reminder.key[0], *reminder.key[1:]): reminder for reminder in after}
    gone = {key: one for key, one in old.items() if key not in new}
    come = {key: one for key, one in new.items() if key not in old}
    found = [Difference(_how(old[key], one), old[key], one) for key, one in new.items() if key in old]
    found = [one for one in found if one.before and one.after and not _same(one.before, one.after)]
    for was_key, key in list(_pairs(gone, come)):
        found.append(Difference("moved", gone.pop(was_key), come.pop(key)))
    found += [Difference("added", None, one) for one in come.values()]
    found += [Difference("removed", one, None) for one in gone.values()]
    return sorted(found, key=lambda one: (one.shown.firing.at, one.shown.recipient, one.shown.key))


def _same(one: Reminder, other: Reminder) -> bool:
    return one.firing.at == other.firing.at and _about(one) == _about(other)


def _about(reminder: Reminder) -> list[tuple[int, tuple[int, ...]]]:
    return [(line.measure.id, line.days) for line in reminder.firing.lines]


def _how(one: Reminder, other: Reminder) -> Change:
    return "changed" if one.firing.at == other.firing.at else "moved"


def _pairs(gone: Mapping[Key, Reminder], come: Mapping[Key, Reminder]) -> Iterator[tuple[Key, Key]]:
    """Those of one rule, subject and recipient with the same distance: their nominal day itself is another one."""

    def place(key: Key, reminder: Reminder) -> tuple[object, ...]:
        return (*key[:2], *key[3:], tuple(_about(reminder)), reminder.firing.week)

    free: dict[tuple[object, ...], list[Key]] = {}
    for key, reminder in gone.items():
        if reminder.firing.lines and all(line.days for line in reminder.firing.lines):
            free.setdefault(place(key, reminder), []).append(key)
    for key, reminder in come.items():
        if waiting := free.get(place(key, reminder)):
            yield waiting.pop(0), key
