"""What tells two configurations apart that would work differently: comments and the order of keys do not."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from reminder.config.configuration import Configuration

_OWN_TO_A_MACHINE = {"web", "watchdog"}  # two machines on one database may differ in these


def digest_of(configuration: Configuration, templates: Path) -> str:
    """A short digest of the configuration and of the office's own templates; secrets count by where they are kept."""
    said = [configuration.settings.model_dump(mode="json", exclude=_OWN_TO_A_MACHINE)]
    tables = (*configuration.rules, *configuration.units, *configuration.leaders)
    said += [table.model_dump(mode="json") for table in tables]
    said += [{name: keys.model_dump(mode="json")} for name, keys in configuration.channels.items()]
    found = sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode())
    for path in sorted(templates.rglob("*.*")) if templates.is_dir() else ():
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]
