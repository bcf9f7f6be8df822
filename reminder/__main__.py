"""`python -m reminder` and the command `reminder`: hands over to the command line, and shows errors as one line."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line. Exit codes: 0 done; 1 done, but something needs a person; 2 nothing done."""
    from reminder.cli import app
    from reminder.errors import ReminderError

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # Chinese output whatever the locale says
    try:
        app()
    except ReminderError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
