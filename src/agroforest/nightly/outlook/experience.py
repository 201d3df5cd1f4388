"""What the nights that were run say about what was measured."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from agroforest import __version__
from agroforest.core.grid import Tile
from agroforest.nightly.outlook.figures import Figures, Law, Load
from agroforest.nightly.outlook.survey import pixels
from agroforest.nightly.plan import Watch

# Newest nights that are asked, and the fewest that may correct a figure. Arbitrary.
_NIGHTS, _FEWEST = 30, 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Experience:
    """Corrections from nights of this pipeline.

    Attributes
    ----------
    nights
        Nights with tiles that were asked.
    baseline, night
        Factors on the seconds of tasks.
    output
        Factor on the bytes of maps.
    shown
        Newest nights with tiles, which the next map shows again.
    """

    nights: int = 0
    baseline: float = 1.0
    night: float = 1.0
    output: float = 1.0
    shown: int = 0


def read_experience(watch: Watch, figures: Figures, forest_share: float) -> Experience:
    """Compare the reports of past nights with what would have been foretold.

    Parameters
    ----------
    watch
        The pipeline.
    figures
        What foretells.
    forest_share
        Of the tiles' pixels, 0..1.

    Returns
    -------
    Experience
        Reports of another release are left out: its tasks cost something else.
    """
    tiles = {tile.id: tile for tile in watch.tiles}
    reports = list(_newest(watch.workplace.folder / "reports"))
    told = [r for r in reports if r.get("agroforest") == __version__]
    learned = [t for r in told for t in r["baselines"]]
    judged = [(r, t) for r in told for t in r["tiles"] if not _is_first(r, t)]

    def seconds(law: Law, entries: list[Mapping[str, Any]]) -> float:
        return _factor(
            (entry["seconds"], law.at(_load(entry, tiles, forest_share)))
            for entry in entries
            if _is_known(entry, tiles)
        )

    return Experience(
        nights=len(told),
        baseline=seconds(figures.baseline.wall_s, learned),
        night=seconds(figures.night.wall_s, [t for _, t in judged]),
        output=_factor(
            (
                _written(watch, date.fromisoformat(report["night"]), entry),
                figures.night.output_bytes.at(_load(entry, tiles, forest_share)),
            )
            for report, entry in judged
            if _is_known(entry, tiles)
        ),
        shown=min(len(reports), watch.pipeline.map.nights),
    )


def _newest(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Read the reports of the newest nights with tiles, newest first."""
    count = 0
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            report = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue  # a report that is damaged corrects nothing
        if report.get("tiles"):
            count += 1
            yield report
        if count == _NIGHTS:
            return


def _is_known(entry: Mapping[str, Any], tiles: Mapping[str, Tile]) -> bool:
    return entry["error"] is None and entry["tile"] in tiles


def _is_first(report: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether it was the tile's first night, which takes longer than others."""
    return any(b["tile"] == entry["tile"] for b in report["baselines"])


def _load(
    entry: Mapping[str, Any], tiles: Mapping[str, Tile], forest_share: float
) -> Load:
    mpx = pixels(tiles[entry["tile"]].grid) / 1e6
    return Load(scenes=entry["scenes"], mpx=mpx, forest_mpx=mpx * forest_share)


def _written(watch: Watch, night: date, entry: Mapping[str, Any]) -> float:
    """Bytes on disk of a tile's maps of one night."""
    folder, tile = watch.workplace.folder, entry["tile"]
    days = {day["day"] for day in entry["days"]}
    found = [
        *(f for d in days for f in (folder / "indices" / tile).glob(f"*_{d}_*")),
        *(folder / "risk" / tile).glob(f"*_{night.isoformat()}_*"),
    ]
    return float(sum(f.stat().st_size for f in found))


def _factor(pairs: Iterator[tuple[float, float]]) -> float:
    """Sum of what was over sum of what was foretold; 1 from too few."""
    known = [(was, foretold) for was, foretold in pairs if was > 0 and foretold > 0]
    if len(known) < _FEWEST:
        return 1.0
    return sum(w for w, _ in known) / sum(f for _, f in known)
