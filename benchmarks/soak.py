"""Whether a night takes longer after hundreds of others, on a quiet machine.

    python benchmarks/soak.py [--nights 400] [--warm 100]

Simulated nights of two small tiles in one process, most of them without a scene.
Growth from the first night after ``--warm`` to the last, by a line that outliers do not
move, with its lower limit (95 %). Nights with scenes are compared until damage is
planted: from then on they have more to report.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from agroforest.testing.soak import NightFigures, measure_growth, run_soak


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--nights", type=int, default=400)
    options.add_argument("--warm", type=int, default=100)
    chosen = options.parse_args()
    nights = []
    with tempfile.TemporaryDirectory() as folder:
        for night in run_soak(Path(folder), nights=chosen.nights):
            nights.append(night)
            if not len(nights) % 10:
                print(f"night {len(nights)}", end="\r", file=sys.stderr, flush=True)
    late = nights[chosen.warm :]
    idle = [night for night in late if not night.worked]
    working = [night for night in late if night.worked and not night.damaged]
    print("| | nights | median | growth | at least |\n|---|---|---|---|---|")
    _print("memory, MB", late, [night.memory / 1e6 for night in late])
    _print("state store, kB", late, [night.state / 1e3 for night in late])
    for name, kind in (("without scenes", idle), ("with scenes", working)):
        _print(f"{name}, seconds", kind, [night.wall_s for night in kind])
        _print(f"{name}, processor seconds", kind, [night.cpu_s for night in kind])
        _print(f"{name}, 1,000 calls", kind, [night.calls / 1e3 for night in kind])
        _print(f"{name}, kB read", kind, [night.read / 1e3 for night in kind])


def _print(what: str, nights: Sequence[NightFigures], values: Sequence[float]) -> None:
    growth, least = measure_growth(values)
    found = f"{median(values):.3g} | {growth:+.1%} | {least:+.1%}"
    print(f"| {what} | {len(nights)} | {found} |")


if __name__ == "__main__":
    main()
