"""Which commands there are, and where each one's code lies: loaded only when it runs, so that --help stays quick."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

# name → (module of this package, its function or group, one line of help as the code itself says it)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("init", "init", "写一套可用的配置，并建数据库 · A working configuration and its database."),
    "check": (
        "check",
        "check",
        "检查配置、模板、地址和日历 · Checks configuration, templates, addresses and the calendar.",
    ),
    "units": ("units", "commands", "单位名录 · The units' directory."),
    "import": ("importing", "import_ledger", "导入台账 · The ledger in."),
    "export": ("export", "export", "导出台账 · The ledger out, importable again with no difference."),
    "plan": ("plan", "plan", "将发送什么、给谁、何时、为何 · What would be sent, to whom, when and why."),
    "explain": ("explain", "explain", "为何发、为何不发 · Every rule's answer with its reason, and what became of it."),
    "preview": ("preview", "preview", "将发的信，原样 · The message exactly as it would go."),
    "run": ("run", "run", "守护进程；--once 只跑一轮 · The daemon, or one cycle."),
    "worker": (
        "worker",
        "worker",
        '只管投递，可在任何一台机器上 · Only delivers, on any machine; for engine.kind = "procrastinate".',
    ),
    "replay": (
        "replay",
        "replay",
        "按模拟时间逐日重演 · The cycle day by day in simulated time, on a copy of the store.",
    ),
    "measures": ("measures", "measures", "台账现状 · The ledger as the service has it."),
    "measure": ("measure", "measure", "查看和处理一条措施 · One measure: look at it, act on it."),
    "report": ("reports", "report", "登记一份周报告 · Record one weekly report."),
    "reports": ("reports", "reports", "周报告：列出、批量录入 · Weekly reports: list, import."),
    "letter": ("letter", "commands", "发函与复函 · Letters sent, and their replies."),
    "duty": ("duty", "commands", "定期事项 · Duties that recur."),
    "silence": ("silence", "commands", "静默：一段时间内不提醒 · Silences."),
    "outbox": ("outbox", "commands", "消息与投递 · Messages and their deliveries."),
    "channel": ("channel", "commands", "发送渠道 · Channels."),
    "user": ("user", "commands", "网页用户 · Who may sign in to the office's pages."),
    "token": ("token", "commands", "接口令牌 · Programs' keys to the API."),
    "link": ("link", "commands", "信中链接和日历地址 · Links in messages, addresses of calendars."),
    "templates": ("templates", "commands", "信件模板 · Templates of letters."),
    "db": ("db", "commands", "数据库 · The database."),
    "status": ("status", "status", "是否正常 · Health, counts, last cycle, lag."),
    "demo": (
        "demo",
        "demo",
        "演示：2021 年真实台账，从导入到发出的提醒 · The whole job on the 2021 ledger; no configuration needed.",
    ),
}


class Commands(TyperGroup):
    """Lists commands by their line of help, and loads the one that is asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name, help=line) for name, (_, _, line) in COMMANDS.items()}

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order in which an office needs them."""
        return list(COMMANDS)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command in place of its line of help."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, load(name) if listed is not None and name else listed, rest


def load(name: str) -> Any:
    """The command or group `name`, with all its options."""
    module, attribute, _ = COMMANDS[name]
    found = getattr(import_module(f"reminder.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    single = typer.Typer(add_completion=False)
    single.command(name)(found)
    return typer.main.get_command(single)
