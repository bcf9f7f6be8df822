"""Benchmarks: `python -m tests.bench NAME [--json]`. Ratios side by side in one run; absolute times drift, ratios hold.

Each prints {"name", "figures", "required", "holds"}; figures are medians of at least five interleaved rounds.
"""

from __future__ import annotations

import argparse
import json
import sys

from tests.bench import processes

BENCHMARKS = {"help": processes.help_, "memory": processes.memory, "demo": processes.demo}


def main() -> None:
    """Runs the named benchmark and exits with 1 where a requirement does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    asked = parser.parse_args()
    figures, required = BENCHMARKS[asked.name]()
    holds = all(figures[name] <= most for name, most in required.items())
    result = {"name": asked.name, "figures": figures, "required": required, "holds": holds}
    if asked.json:
        print(json.dumps(result))
    else:
        for name, figure in figures.items():
            most = f"  (at most {required[name]})" if name in required else ""
            print(f"{name:32} {figure:10.3f}{most}")
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
