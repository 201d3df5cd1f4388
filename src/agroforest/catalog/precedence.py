"""Which of several deliveries of the same pass counts, and what belongs together.

Pure: granules in, scenes out, in the same order whatever the order they came in.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import shapely

from agroforest.core.scene import Granule, Scene, build_scene

#: Deliveries of one strip state the same start of sensing but for rounding and
#: new orbit data; strips of one datatake are minutes apart. Arbitrary between.
SAME_STRIP = timedelta(seconds=10)
#: Granules of one pass over a country follow each other within minutes; the next
#: pass of the same satellite comes after 100. Arbitrary between.
SAME_PASS = timedelta(minutes=10)

#: A delivery counts as replaced when newer ones cover this share of its outline:
#: outlines of the same strip differ by a few percent from baseline to baseline,
#: strips of one datatake that meet in a tile overlap little. Arbitrary between.
REPLACED_SHARE = 0.8

_NEVER = datetime.min.replace(tzinfo=UTC)


def resolve_granules(granules: Iterable[Granule]) -> list[Scene]:
    """Settle duplicates and join what one pass saw.

    Deliveries of one collection, platform and place, sensed within `SAME_STRIP`,
    are taken from the newest baseline down (then the newest `generated`, then the
    greatest id); each is dropped if those before it cover `REPLACED_SHARE` of it.
    What is left is joined by pass: same collection and platform, sensed within
    `SAME_PASS`.

    Parameters
    ----------
    granules
        In any order; the same granule may come twice.

    Returns
    -------
    list of Scene
        By time, then id; the granules of each in order of precedence.
    """
    kept = _not_replaced(granules)
    scenes = [
        build_scene(tuple(sorted(group, key=precedence, reverse=True)))
        for group in _passes(kept)
    ]
    return sorted(scenes, key=lambda scene: (scene.sensed, scene.id))


def precedence(granule: Granule) -> tuple[tuple[int, ...], datetime, str]:
    """Sort key: the greatest of several granules counts."""
    return (
        baseline_number(granule.baseline),
        granule.generated or _NEVER,
        granule.id,
    )


def baseline_number(baseline: str) -> tuple[int, ...]:
    """Numbers of a baseline: ``"05.10"`` is (5, 10), and more than (5, 9)."""
    return tuple(int(number) for number in re.findall(r"\d{1,9}", baseline))


def _not_replaced(granules: Iterable[Granule]) -> list[Granule]:
    places: dict[tuple[str, str, str], list[Granule]] = defaultdict(list)
    for granule in granules:
        key = (granule.collection, granule.platform, granule.place)
        places[key].append(granule)
    return [
        granule
        for group in places.values()
        for strip in _runs(group, SAME_STRIP)
        for granule in _newest_first(strip)
    ]


def _newest_first(strip: list[Granule]) -> list[Granule]:
    kept: list[Granule] = []
    for granule in sorted(strip, key=precedence, reverse=True):
        newer = shapely.union_all([k.footprint for k in kept])
        shared = newer.intersection(granule.footprint).area
        if not kept or shared < REPLACED_SHARE * granule.footprint.area:
            kept.append(granule)
    return kept


def _passes(granules: Iterable[Granule]) -> list[list[Granule]]:
    platforms: dict[tuple[str, str], list[Granule]] = defaultdict(list)
    for granule in granules:
        platforms[granule.collection, granule.platform].append(granule)
    return [run for group in platforms.values() for run in _runs(group, SAME_PASS)]


def _runs(granules: list[Granule], gap: timedelta) -> list[list[Granule]]:
    """Split where more than `gap` has passed since the run's first granule."""
    runs: list[list[Granule]] = []
    for granule in sorted(granules, key=lambda g: (g.sensed, g.id)):
        if runs and granule.sensed - runs[-1][0].sensed <= gap:
            runs[-1].append(granule)
        else:
            runs.append([granule])
    return runs
