"""Valves over a real broker, with everything that can fail: how safe they are.

    python benchmarks/valve.py [--seeds 10] [--minutes 30] [--json FILE]

Each seed runs for so many simulated minutes, a second each: the controller is killed,
connections are cut, the broker restarted, a fifth of the messages lost, and of the
commands doubled; the devices' clocks are off by up to 25 seconds. Fails if water passed
a limit, or a valve was open past the time of its order or longer than ordered.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from agroforest.testing.valve_farm import Outcome, simulate

_HEAD = (
    "| seed | orders | openings | kills | cuts | lost | m³ one valve (limit) "
    "| m³ all (limit) | closed after its time, s | past it | audit | safe |"
)


def main() -> None:
    """Simulate, print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=10)
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    print(_HEAD)
    print("|" + "---|" * _HEAD.count(" | ") + "---|")
    found = []
    for seed in range(chosen.seeds):
        with tempfile.TemporaryDirectory() as folder:
            found.append(simulate(Path(folder), seed=seed, minutes=chosen.minutes))
        print(_row(found[-1]), flush=True)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps([asdict(o) for o in found], indent=1) + "\n")
    if not all(one.is_safe for one in found):
        sys.exit("a valve was not safe")


def _row(one: Outcome) -> str:
    late = f"{one.late_s:+.0f}" if one.openings else "none opened"
    return (
        f"| {one.seed} | {one.orders} | {one.openings} | {one.kills} | {one.cuts} "
        f"| {one.lost} | {one.valve_m3:.2f} ({one.valve_limit_m3:.0f}) "
        f"| {one.all_m3:.2f} ({one.all_limit_m3:.0f}) | {late} "
        f"| {one.past} | {one.audited} "
        f"| {'yes' if one.is_safe else 'NO'} |"
    )


if __name__ == "__main__":
    main()
