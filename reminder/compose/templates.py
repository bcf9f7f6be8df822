"""The templates of a locale: built in, or file by file from the office's own folder; sandboxed and bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from reminder.errors import TemplateFault
from reminder.render.apart import Apart
from reminder.render.built_in import built_in, digest, files
from reminder.render.sandbox import Sandbox
from reminder.resources import data_dir
from reminder.words import LOCALES

WEBHOOK = "webhook"  # its folder holds bodies for all locales
_MARK = "{# ejected from %s -#}\n"


class Templates:
    """The templates of one folder name (a locale, or `webhook`): a snapshot, read when it is made.

    Built-in ones are rendered here; where the office has any of its own, all of them in a process apart. `digest` tells
    one version of the built-in ones from another; "" where the office has its own.
    """

    def __init__(self, own: Path | None, name: str) -> None:
        owned = files(own / name) if own else {}
        self._paths = {file: str(path) for file, path in {**built_in(name), **owned}.items()}
        sources = {file: Path(path).read_bytes() for file, path in self._paths.items()}
        self.digest = "" if owned else digest(sources)
        self._renderer = Apart(self._paths, sources) if owned else Sandbox(self._paths, sources, joined=True)

    def __contains__(self, name: str) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def path(self, name: str) -> str:
        """Where the template `name` lies; the bare name where there is none."""
        return self._paths.get(name, name)

    def render(self, name: str, facts: Mapping[str, object]) -> str:
        """The template filled in. Any failure is a TemplateFault that names file and line."""
        return self._renderer.render(name, facts)


@cache
def templates(own: Path | None, name: str) -> Templates:
    """The templates of `name`, read and compiled once, until `forget_templates`."""
    return Templates(own, name)


def forget_templates() -> None:
    """Reads all templates anew from now on; called after a changed folder has passed its check."""
    templates.cache_clear()


def templates_known(locales: Sequence[str] = LOCALES) -> tuple[str, ...]:
    """Every built-in template that an office can replace: `zh_CN/before.html`, `webhook/slack.json`."""
    folders = (*locales, WEBHOOK)
    return tuple(f"{name}/{file}" for name in folders for file in built_in(name))


def eject(name: str) -> str:
    """The text of the built-in template `name` for editing, marked so that `check` can tell when it is stale."""
    if name not in templates_known():
        raise TemplateFault(name, 1, "there is no such template")
    return _mark(name) + (data_dir("templates") / name).read_text(encoding="utf-8")


def stale(name: str, text: str) -> bool:
    """Whether `text` was ejected from another version of the built-in template `name`."""
    return text.startswith(_MARK.partition("%s")[0]) and not text.startswith(_mark(name))


def _mark(name: str) -> str:
    return _MARK % sha256((data_dir("templates") / name).read_bytes()).hexdigest()[:12]
