"""Benchmarks: `python -m tests.bench NAME [--json]`. Ratios side by side in one run; absolute times drift, ratios hold.

Each prints {"name", "figures", "required", "holds"}; figures are medians of at least five interleaved rounds.
A requirement is {"at_most": x} or {"at_least": x} of the figure of its name.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module

from tests.bench.measure import holds, told

# Where each lives; imported when it runs, because some need what others do not (a driver, a Debian package).
BENCHMARKS = {
    "help": "processes:help_",
    "memory": "processes:memory",
    "demo": "processes:demo",
    "compose": "letters:compose_",
    "scan": "scanning:scan",
    "idle": "scanning:idle",
    "nudge": "monday:nudge",
    "monday": "monday:monday",
    "enqueue": "enqueueing:enqueue",
    "tick": "enqueueing:tick",
    "smtp": "smtp:smtp",
    "webhook": "webhook:webhook",
    "daemons": "daemons:daemons",
    "desk": "pages:desk",
    "desk-country": "pages:desk_of_a_country",
    "peers": "alternatives:peers",
}


def main() -> None:
    """Runs the named benchmark and exits with 1 where a requirement does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    asked = parser.parse_args()
    module, _, function = BENCHMARKS[asked.name].partition(":")
    figures, required = getattr(import_module(f"tests.bench.{module}"), function)()
    kept = all(holds(figures[name], bound) for name, bound in required.items())
    if asked.json:
        print(json.dumps({"name": asked.name, "figures": figures, "required": required, "holds": kept}))
    else:
        for name, figure in figures.items():
            print(told(name, figure, required.get(name)))
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
