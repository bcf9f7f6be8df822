"""The kinds of channel, by the name that `kind` gives them in channels.toml. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reminder.channels.base import Channel, ChannelKeys
from reminder.channels.dingtalk import DingtalkChannel
from reminder.channels.email import EmailChannel
from reminder.channels.feishu import FeishuChannel
from reminder.channels.maildir import MaildirChannel
from reminder.channels.webhook import WebhookChannel
from reminder.channels.wecom import WecomChannel

CHANNELS: Mapping[str, type[Channel]] = {
    "email": EmailChannel,
    "webhook": WebhookChannel,
    "wecom": WecomChannel,
    "dingtalk": DingtalkChannel,
    "feishu": FeishuChannel,
    "maildir": MaildirChannel,
}


def open_channel(name: str, keys: ChannelKeys, folder: Path) -> Channel:
    """The channel `name` ready for one batch; nothing is connected yet. Relative paths in `keys` start at `folder`."""
    return CHANNELS[keys.kind](name, keys, folder)
