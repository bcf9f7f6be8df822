"""`python -m reminder` and the command `reminder`: hands over to the command line, and shows errors as one line."""

from __future__ import annotations

import sys
from types import TracebackType


def main() -> None:
    """Runs the command line. Exit codes: 0 done; 1 done, but something needs a person; 2 nothing done."""
    from reminder.cli import app
    from reminder.errors import ReminderError

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # Chinese output whatever the locale says
    sys.excepthook = _unexpected
    try:
        app()
    except ReminderError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        sys.stderr.close()
        sys.exit(0)


def _unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An error that nobody expected, without the secrets that it may quote."""
    import traceback

    from reminder.channels.redact import hidden
    from reminder.channels.secret import known_secrets

    sys.stderr.write(hidden("".join(traceback.format_exception(kind, error, trace)), known_secrets()))


if __name__ == "__main__":
    main()
