"""How our flags and those of ISMN's own files agree, and what a broken probe gets.

    python benchmarks/soil_flags.py --data DIR [--json FILE]

DIR holds ``soil_ismn/NETWORK/STATION/*.stm`` and ``soil_faulty/*.csv``. For each code
it prints the readings that both flag, that only we flag and that only the file flags,
and the agreement twice: over the readings that either flags, and over all of them.
Codes that need what is not there (temperatures, rain) are named, not counted.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from agroforest.core.reading import Variable
from agroforest.sensors.agreement import Agreement, compare
from agroforest.sensors.check import find_unjudged
from agroforest.sensors.check_file import check_file

#: Codes whose agreement is promised, and how much of it.
PROMISED, LEAST = ("C01", "C02", "C03", "D06", "D07", "D08"), 0.95


def main() -> None:
    """Print the table; leave with 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    total: dict[str, list[Agreement]] = {}
    unjudged: set[str] = set()
    for path in sorted((options.data / "soil_ismn").glob("*/*/*.stm")):
        started = time.perf_counter()
        found = check_file(path)
        spent = time.perf_counter() - started
        rows = compare(found.checked, found.source_flags)
        missing = find_unjudged(found.checked, found.ground)
        unjudged |= {row.code for row in rows if row.code in missing and row.theirs}
        print(f"{path.parent.name}: {len(found.checked)} readings, {spent:.1f} s")
        _print([row for row in rows if row.code not in missing])
        for row in rows:
            total.setdefault(row.code, []).append(row)
    summary = [_sum(rows) for code, rows in total.items() if code not in unjudged]
    print("all stations")
    _print(summary)
    print("not judged, for want of temperature or rain:", ", ".join(sorted(unjudged)))
    wild, unflagged = _check_faulty(options.data)
    print(
        f"faulty probe: {wild} readings outside 0-60 %, {unflagged} of them unflagged"
    )
    if options.json:
        codes = {r.code: [r.both, r.ours, r.theirs] for r in summary}
        document = {"codes": codes, "wild": wild, "unflagged": unflagged}
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    kept = all(
        (row.of_flagged is None or row.of_flagged >= LEAST) and row.of_all >= LEAST
        for row in summary
        if row.code in PROMISED
    )
    raise SystemExit(0 if kept and not unflagged else 1)


def _sum(rows: Sequence[Agreement]) -> Agreement:
    return Agreement(
        code=rows[0].code,
        readings=sum(r.readings for r in rows),
        both=sum(r.both for r in rows),
        ours=sum(r.ours for r in rows),
        theirs=sum(r.theirs for r in rows),
    )


def _print(rows: Sequence[Agreement]) -> None:
    for row in rows:
        share = "none" if row.of_flagged is None else f"{row.of_flagged:.1%}"
        print(
            f"  {row.code}  both {row.both:>5}  ours {row.ours:>3}  "
            f"theirs {row.theirs:>3}  of flagged {share:>6}  of all {row.of_all:.3%}"
        )


def _check_faulty(data: Path) -> tuple[int, int]:
    wild = unflagged = 0
    for path in sorted((data / "soil_faulty").glob("*.csv")):
        for one in check_file(path).checked:
            reading = one.reading
            if reading.variable != Variable.SOIL_MOISTURE or reading.value is None:
                continue
            if not 0 <= reading.value <= 0.6:
                wild += 1
                unflagged += not {"C01", "C02"} & set(one.flags)
    return wild, unflagged


if __name__ == "__main__":
    main()
