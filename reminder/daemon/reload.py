"""A changed configuration: found by the time and size of its files, taken as a whole or refused with its faults."""

from __future__ import annotations

from pathlib import Path

from reminder.app import App, faulty_templates, open_app
from reminder.cycle import Service
from reminder.errors import ReminderError


class Refused(ReminderError):
    """The changed configuration cannot be used: mend what the message names. `what` of it is faulty."""

    def __init__(self, what: str, faults: str) -> None:
        super().__init__(faults)
        self.what = what


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """What tells a changed file: its time and size, for the TOML files and the office's own templates."""
    found = {}
    for path in [*folder.glob("*.toml"), *(folder / "templates").rglob("*.*")]:
        try:
            stat = path.stat()
        except OSError:
            continue  # an editor replaces files by renaming
        found[str(path)] = (stat.st_mtime_ns, stat.st_size)
    return found


def taken(folder: Path) -> tuple[App, Service]:
    """The application of the configuration as it is now. Raises Refused where it, or a template, is faulty."""
    try:
        app = open_app(folder)
        service = app.service()
        faults = [fault for fault in faulty_templates(app.configuration) if not fault.warning]
    except ReminderError as error:
        raise Refused("configuration is", str(error)) from error
    if faults:
        raise Refused("templates are", "\n".join(map(str, faults)))
    return app, service
