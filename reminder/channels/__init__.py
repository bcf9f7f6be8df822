"""The kinds of channel, by the name that `kind` gives them in channels.toml. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from pkgutil import resolve_name

from reminder.channels.base import Channel, ChannelKeys


class _Kinds(Mapping[str, type[Channel]]):
    """Each is loaded when it is asked for: who only writes mails carries no robots, for years."""

    def __init__(self, **places: str) -> None:
        self._places = places

    def __getitem__(self, kind: str) -> type[Channel]:
        channel: type[Channel] = resolve_name(f"{__name__}.{self._places[kind]}")
        return channel

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, kind: object) -> bool:
        return kind in self._places  # Mapping's own would load it


CHANNELS: Mapping[str, type[Channel]] = _Kinds(
    email="email:EmailChannel",
    webhook="webhook:WebhookChannel",
    wecom="wecom:WecomChannel",
    dingtalk="dingtalk:DingtalkChannel",
    feishu="feishu:FeishuChannel",
    maildir="maildir:MaildirChannel",
)


def open_channel(name: str, keys: ChannelKeys, folder: Path) -> Channel:
    """The channel `name` ready for one batch; nothing is connected yet. Relative paths in `keys` start at `folder`."""
    return CHANNELS[keys.kind](name, keys, folder)
