"""What an act changes in a measure beside its status, and the facts that its history keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from reminder.domain.measure import DeadlineKind
from reminder.office.act import Act, ActName, Office
from reminder.store.tables import MeasureRow


def edit(measure: MeasureRow, *fields: str) -> None:
    """Notes that the service is ahead of the workbook in these fields."""
    measure.edited = sorted({*measure.edited, *fields})


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _progress(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    if act.percent is not None and not 0 <= act.percent <= 100:
        raise office.refuse("percent", percent=act.percent)
    facts = {"percent": act.percent, "was_percent": measure.percent, "text": act.text or act.because}
    latest = measure.progress_on is None or act.on >= measure.progress_on
    if latest:  # what is recorded belatedly stays in the history
        measure.progress, measure.progress_on = act.text or act.because, act.on
        edit(measure, "progress", "progress_on")
    if latest and act.percent is not None:
        measure.percent = act.percent
        edit(measure, "percent")
    return facts


def _suspend(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    if act.until is None and act.review is None:
        raise office.refuse("suspend_needs")
    for day in (act.until, act.review):
        if day is not None and day <= act.on:
            raise office.refuse("suspend_order", day=day, on=act.on)
    return {"until": _iso(act.until), "review": _iso(act.review)}


def _extend(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    if act.to is None:
        raise office.refuse("extend_needs")
    if measure.deadline_on and measure.deadline_confirmed and act.to <= measure.deadline_on:
        raise office.refuse("extend_order", to=act.to, deadline=measure.deadline_on)
    facts = {"from": _iso(measure.deadline_on), "from_text": measure.deadline_text, "to": act.to.isoformat()}
    facts["allowed_by"] = act.allowed_by.strip() or act.by.strip()
    measure.deadline_kind, measure.deadline_rule = DeadlineKind.DATE.value, None
    measure.deadline_on, measure.deadline_text = act.to, act.to.isoformat()
    measure.deadline_confirmed, measure.deadline_computed = True, False
    edit(measure, "deadline")
    return facts


def _ask_extension(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    if act.to is None:
        raise office.refuse("extend_needs")
    if measure.deadline_on and act.to <= measure.deadline_on:
        raise office.refuse("extend_order", to=act.to, deadline=measure.deadline_on)
    return {"to": act.to.isoformat()}


def _write_off(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    return {"evidence": act.evidence.strip() or None}


def _mark(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    marks, before = act.marks, (measure.tags, measure.standing, measure.parent)
    kept = [tag for tag in measure.tags if tag not in marks.untag]
    measure.tags = list(dict.fromkeys([*kept, *(tag.strip() for tag in marks.tags if tag.strip())]))
    measure.standing = measure.standing if marks.standing is None else marks.standing
    measure.parent = measure.parent if marks.parent is None else marks.parent or None
    after = (measure.tags, measure.standing, measure.parent)
    if before == after:
        raise office.refuse("mark_nothing", code=measure.code)
    changed = [name for name, was, now in zip(("tags", "standing", "parent"), before, after, strict=True) if was != now]
    edit(measure, *changed)
    return {name: getattr(measure, name) for name in changed}


def _pass_on(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    if not act.text.strip():
        raise office.refuse("pass_on_needs", code=measure.code)
    return {"unit": act.text.strip(), "by_unit": act.instead_of or None}


def _confirm(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    if measure.deadline_on is None:
        raise office.refuse("confirm_undated", text=measure.deadline_text)
    if measure.deadline_confirmed:
        raise office.refuse("confirm_already", deadline=measure.deadline_on)
    measure.deadline_confirmed = True
    edit(measure, "deadline")
    return {"deadline": measure.deadline_on.isoformat(), "text": measure.deadline_text}


def _block(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    facts = {"was_blocked_by": measure.blocked_by or None}
    measure.blocked_by = act.because.strip()
    return facts


def _unblock(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    if not measure.blocked_by:
        raise office.refuse("not_blocked", code=measure.code)
    facts = {"was_blocked_by": measure.blocked_by}
    measure.blocked_by = ""
    return facts


def _look_back(measure: MeasureRow, act: Act, office: Office) -> dict[str, Any]:
    if not act.result:
        raise office.refuse("look_back_needs")
    return {"result": act.result}


EFFECTS: Mapping[ActName, Callable[[MeasureRow, Act, Office], dict[str, Any]]] = {
    "progress": _progress,
    "suspend": _suspend,
    "ask_extension": _ask_extension,
    "extend": _extend,
    "write_off": _write_off,
    "mark": _mark,
    "pass_on": _pass_on,
    "confirm": _confirm,
    "block": _block,
    "unblock": _unblock,
    "look_back": _look_back,
}
