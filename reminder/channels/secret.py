"""Secrets in channels.toml: the file says where one is kept, never what it is.

Whoever turns pydantic's errors into faults must not print their `input`: it may be the password typed by mistake.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Tag, model_validator

from reminder.errors import UsageError

HOW_TO = 'write { env = "NAME" } or { file = "PATH" } instead'


_known: set[str] = set()  # every value this process has ever revealed: none of them may stand in a log


def known_secrets() -> frozenset[str]:
    """All secrets that this process has read so far, also those replaced since."""
    return frozenset(_known)


class Secret(BaseModel):
    """Where a secret is kept: an environment variable or a file. Its repr shows the place, never the value."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"oneOf": [{"required": ["env"]}, {"required": ["file"]}]},
    )

    env: str | None = None
    file: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _never_inline(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(f"a secret does not stand in this file; {HOW_TO}")
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if bool(self.env) == bool(self.file):
            raise ValueError(f"expected exactly one place; {HOW_TO}")
        if not f"{self.env or ''}{self.file or ''}".isprintable():
            raise ValueError("the name of the place holds a control character")
        return self

    def reveal(self, folder: Path) -> str:
        """The value, read anew each time so that a rotated secret is taken; a relative file starts at `folder`.

        UsageError, naming the place, where nothing is there.
        """
        value = os.environ.get(self.env, "") if self.env else _first_lines(folder / (self.file or ""))
        if not value:
            raise UsageError(
                f"{self} 没有设置，请设好，或更正 channels.toml 里的名称 · no secret there: set it, or correct the name"
            )
        _known.add(value)
        return value

    def open_to_others(self, folder: Path) -> bool:
        """Whether everybody on this machine may read or change the file it is kept in; Windows has no such modes."""
        if not self.file or os.name == "nt":
            return False
        return bool((folder / self.file).stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env else f"file {self.file}"


def _first_lines(path: Path) -> str:
    """The file without the newlines an editor leaves at its end."""
    try:
        return path.read_text(encoding="utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"读不了密钥文件 {path} · cannot read the secret: {error}") from error


@lru_cache(maxsize=256)  # a webhook asks before each message
def checked_url(url: str) -> str:
    """`url` if it is http(s) with a host and without user or password; else ValueError, which does not repeat it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("not a URL: its host or port cannot be read") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("expected a URL that starts with https:// or http:// and names a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"a URL with a user or password is a secret and does not stand in this file; {HOW_TO}")
    if any(c.isspace() or not c.isprintable() for c in url):
        raise ValueError("the URL holds a blank or a control character")
    return url


def encrypted_url(url: str, *, inside: bool) -> str:
    """The same, if what goes there is encrypted on its way; plain http:// is only for networks `inside` the house."""
    if not inside and not checked_url(url).lower().startswith("https://"):
        raise ValueError("expected a URL that starts with https://; plain http:// needs allow_private")
    return checked_url(url)


def _inline_or_kept(value: object) -> str:
    return "inline" if isinstance(value, str) else "kept"


InlineUrl = Annotated[str, AfterValidator(checked_url)]
Url = Annotated[Annotated[InlineUrl, Tag("inline")] | Annotated[Secret, Tag("kept")], Discriminator(_inline_or_kept)]
"""A key's type: a URL without a password, or the place where the whole URL is kept."""

Header = Annotated[Annotated[str, Tag("inline")] | Annotated[Secret, Tag("kept")], Discriminator(_inline_or_kept)]
"""A key's type: a plain value, or the place where it is kept."""


def revealed(value: str | Secret, folder: Path) -> str:
    """The value of a key that may be inline or kept elsewhere. UsageError as `Secret.reveal`."""
    return value.reveal(folder) if isinstance(value, Secret) else value


def secrets_in(value: object) -> Iterator[Secret]:
    """Every Secret in a key's value, a model or a mapping: what `check` must try to reveal and errors must not show."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        yield from _in_all(getattr(value, name) for name in type(value).model_fields)
    elif isinstance(value, Mapping):
        yield from _in_all(value.values())


def _in_all(values: Iterable[object]) -> Iterator[Secret]:
    for value in values:
        yield from secrets_in(value)
