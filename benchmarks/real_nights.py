"""Two years of real nights: what they cost, what they found, what they missed.

Catalogues the Sentinel-2 series of tile 31UFQ (north-east France, 2015-2020), runs
every night from 2018-06-01 to 2020-06-30, runs them again to show that nothing
changes, and prints the tables of the README:

    python benchmarks/real_nights.py --work work/real

There is no ground truth. Alerts are compared with what the canopy itself shows at
the end: early summer 2020 against the early summers of the history. Spruce is dark
in the near infrared; where it dies or is felled, what grows instead is bright.
"Changed" is a rise of B8A by more than 0.06 or a fall of NDMI by more than 0.10,
"unchanged" is both within 0.03 and 0.05. The end state comes from the same
instrument as the alerts: this is a check of consistency, not of truth. The
published three-date rule runs over the same nights for comparison.
"""

import argparse
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agroforest.catalog import LocalCatalog, add_scenes, find
from agroforest.core.alert import Alert
from agroforest.core.aoi import read_aoi
from agroforest.core.config import Pipeline, read_pipeline
from agroforest.core.grid import WGS84, Tile, find_tiles, reproject
from agroforest.core.risk import Hazard
from agroforest.cube import read, read_cover
from agroforest.indices import compute
from agroforest.nightly import NightOutcome, run_nights
from agroforest.nightly.workplace import Workplace
from agroforest.store import open_store

_ROOT = Path(__file__).resolve().parents[1]
PIPELINE = _ROOT / "pipelines" / "theia-31ufq.toml"
SCENES = _ROOT.parent / "shared" / "data" / "s2_theia_t31ufq" / "scenes"
_FIRST, _LAST = date(2018, 6, 1), date(2020, 6, 30)
_BRIGHTER, _DRIER = 0.06, -0.10
_SAME_NIR, _SAME_NDMI = 0.03, 0.05
_SUMMER = (5, 6)  # months that the series has in 2020


def main() -> None:
    """Run everything and print it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, default=Path("work/real"))
    options.add_argument("--scenes", type=Path, default=SCENES)
    options.add_argument("--json", type=Path, help="also write the figures here")
    chosen = options.parse_args()
    started = time.perf_counter()
    place = Workplace(root=chosen.work.absolute(), pipeline="theia-31ufq")
    report = add_scenes([chosen.scenes], LocalCatalog(place.catalog))
    adding = time.perf_counter() - started
    pipeline = read_pipeline(PIPELINE)
    nights = [_FIRST + timedelta(days=n) for n in range((_LAST - _FIRST).days + 1)]
    walls, outcomes = _run(pipeline, nights, chosen.work)
    before = _digests(place.folder)
    again_started = time.perf_counter()
    again = list(run_nights(pipeline, nights, work=chosen.work))
    repeating = time.perf_counter() - again_started
    changed = _changed(before, _digests(place.folder))
    rule = pipeline.model_copy(
        update={
            "name": "theia-31ufq-rule",
            "risk": pipeline.risk.model_copy(update={"model": "rule"}),
        }
    )
    _, ruled = _run(rule, nights, chosen.work)
    figures = {
        "scenes catalogued": report.added + report.known,
        "seconds to catalogue": round(adding, 1),
        "nights": len(nights),
        **_costs(outcomes, walls),
        "seconds to run all nights again": round(repeating, 1),
        "nights that wrote anything again": sum(o.report is not None for o in again),
        "files changed by running again": changed,
    }
    change = find_change(pipeline, place)
    found = [_findings(p, place.root, change) for p in (pipeline, rule)]
    model = next(o.report["model"] for o in outcomes if o.report)
    print(table(figures.items(), ("figure", "value")))
    rows = [(name, value, found[1][name]) for name, value in found[0].items()]
    print(table(rows, ("", model, "three-date rule")))
    months = _by_month(outcomes)
    rule_area = {row[0]: row[1:3] for row in _by_month(ruled)}
    by_month = [(*row, *rule_area[row[0]]) for row in months]
    head = ("month", "stress, ha", "loss, ha", "nights with scenes")
    print(table(by_month, (*head, "rule: stress, ha", "rule: loss, ha")))
    if chosen.json:
        content = {**figures, "model": found[0], "rule": found[1]}
        chosen.json.write_text(json.dumps(content, indent=1) + "\n")


def _run(
    pipeline: Pipeline, nights: Sequence[date], work: Path
) -> tuple[list[float], list[NightOutcome]]:
    """Run nights; wall seconds of each, with everything a night does."""
    walls, outcomes = [], []
    last = time.perf_counter()
    for outcome in run_nights(pipeline, nights, work=work):
        now = time.perf_counter()
        walls.append(now - last)
        outcomes.append(outcome)
        last = now
    return walls, outcomes


def _costs(
    outcomes: Sequence[NightOutcome], walls: Sequence[float]
) -> dict[str, object]:
    busy = [
        (o.report["tiles"], w)
        for o, w in zip(outcomes, walls, strict=True)
        if o.report and o.report["tiles"]
    ]
    quiet = [w for o, w in zip(outcomes, walls, strict=True) if not o.plan.tasks]
    # The first night with scenes also learns the seasons, the last one of the call
    # draws the map; neither is in these two groups.
    first = [w for _, w in busy[1:11]]
    last = [w for _, w in busy[-11:-1]]
    return {
        "nights with new scenes": len(busy),
        "scenes used": sum(t["scenes"] for tiles, _ in busy for t in tiles),
        "seconds of the first night, which learns the seasons": round(busy[0][1], 2),
        "seconds a night, median of the first ten": round(median(first), 3),
        "seconds a night, median of the last ten": round(median(last), 3),
        "last ten against first ten": round(median(last) / median(first), 2),
        "seconds of a night without scenes, median": round(median(quiet), 4),
    }


class Change(NamedTuple):
    """What the canopy of 2020 says, on one tile; all ``(y, x)`` bool."""

    tile: Tile
    forest: NDArray[np.bool_]
    changed: NDArray[np.bool_]
    unchanged: NDArray[np.bool_]


def find_change(pipeline: Pipeline, place: Workplace) -> Change:
    """Compare the end of a catalogued series with its beginning."""
    aoi = read_aoi(pipeline.aoi)
    (tile,) = find_tiles(
        aoi.area, resolution=pipeline.grid.resolution, size=pipeline.grid.tile_size
    )
    assert isinstance(pipeline.risk.forest, Path)
    forest = read_cover(pipeline.risk.forest, tile.grid) >= 0.5
    catalog = LocalCatalog(place.catalog)
    before = _summer(catalog, pipeline, tile, (2016, 2017, 2018))
    after = _summer(catalog, pipeline, tile, (2020,))
    nir, ndmi = after[0] - before[0], after[1] - before[1]
    return Change(
        tile=tile,
        forest=forest,
        changed=forest & ((nir > _BRIGHTER) | (ndmi < _DRIER)),
        unchanged=forest & (np.abs(nir) < _SAME_NIR) & (np.abs(ndmi) < _SAME_NDMI),
    )


def _findings(pipeline: Pipeline, root: Path, change: Change) -> dict[str, object]:
    """Compare all alerts of a pipeline with the canopy of 2020."""
    place = Workplace(root=root, pipeline=pipeline.name)
    with open_store(place.database) as store:
        alerts = store.alerts(pipeline.name)
    flagged = _flagged(alerts, change.tile, Hazard.CANOPY_STRESS) | _flagged(
        alerts, change.tile, Hazard.CANOPY_LOSS
    )
    firsts = [a.first_night for a in alerts]
    return {
        "forest pixels of 20 m": int(change.forest.sum()),
        "changed by 2020, pixels": int(change.changed.sum()),
        "… of them ever under an alert": _share(flagged, change.changed),
        "unchanged in 2020, pixels": int(change.unchanged.sum()),
        "… of them under an alert at any time": _share(flagged, change.unchanged),
        "alert pixels outside the forest": int((flagged & ~change.forest).sum()),
        "first alert": min(firsts).isoformat() if firsts else "none",
        "alerts in all": len(alerts),
    }


def _summer(
    catalog: LocalCatalog, pipeline: Pipeline, tile: Tile, years: Iterable[int]
) -> NDArray[np.float32]:
    """Median B8A and NDMI of some early summers, ``(2, y, x)``, usable pixels."""
    seen = []
    for year in years:
        start, end = date(year, _SUMMER[0], 1), date(year, _SUMMER[1], 30)
        if year == pipeline.baseline.end.year:
            end = pipeline.baseline.end
        for scene in find(catalog, tile.footprint(), start, end):
            data = read(
                scene, tile.grid, ["B8A", "B11"], dilate_m=pipeline.mask.dilate_m
            )
            layers = np.stack([data["B8A"].values, compute("ndmi", data).values])
            seen.append(np.where(data["usable"].values, layers, np.nan))
    return np.asarray(np.nanmedian(np.stack(seen), axis=0), dtype=np.float32)


def _flagged(alerts: Sequence[Alert], tile: Tile, hazard: Hazard) -> NDArray[np.bool_]:
    found = np.zeros(tile.grid.shape, dtype=bool)
    for alert in alerts:
        if alert.hazard == hazard:
            ground = reproject(alert.geometry, WGS84, tile.grid.crs)
            found |= tile.grid.contains(ground)
    return found


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> str:
    return f"{(part & whole).sum() / whole.sum():.0%}" if whole.any() else "none"


def _by_month(outcomes: Sequence[NightOutcome]) -> list[tuple[object, ...]]:
    """Open alert area at the end of each month."""
    rows: dict[str, tuple[object, ...]] = {}
    busy: dict[str, int] = defaultdict(int)
    for outcome in outcomes:
        if outcome.report is None:
            continue
        month = outcome.night.strftime("%Y-%m")
        busy[month] += bool(outcome.report["tiles"])
        area = {h: v["area_ha"] for h, v in outcome.report["alerts"].items()}
        rows[month] = (
            month,
            f"{area['canopy-stress']:.2f}",
            f"{area['canopy-loss']:.2f}",
            busy[month],
        )
    return list(rows.values())


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


def _changed(before: dict[str, str], after: dict[str, str]) -> int:
    return len(set(before.items()) ^ set(after.items()))


def table(rows: Iterable[Sequence[object]], head: Sequence[str]) -> str:
    """Write rows as a table of Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(str(cell).strip() for cell in row)} |" for row in rows]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
