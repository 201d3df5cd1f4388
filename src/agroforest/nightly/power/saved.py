"""What was not done because it would have changed nothing, and what that saved.

Counts are exact. What they would have cost is estimated from the same night's own
rates, and said to be.
"""

from collections.abc import Mapping

from agroforest.cube.counted import ReadCount

#: Tiles of the area that no new scene touched: they had no task.
UNCHANGED_TILES = "unchanged_tiles"
#: Chunks of the states of tiles with a task that were not written again.
UNCHANGED_CHUNKS = "unchanged_chunks"
#: Scenes of which a tile saw nothing clear: their bands were not opened.
CLOUDY_SCENES = "cloudy_scenes"
#: Blocks of bands without a clear pixel, and their bytes with those of the bands
#: that were not opened.
CLOUDY_BLOCKS = "cloudy_blocks"
CLOUDY_BYTES = "cloudy_bytes"
#: Processor seconds: of reading those bytes, and of working on the unchanged tiles.
CLOUDY_CPU_SECONDS = "cloudy_cpu_seconds"
UNCHANGED_CPU_SECONDS = "unchanged_cpu_seconds"
#: Kilowatt-hours of all of those seconds.
SAVED_KWH = "kwh"


def saved_by_reading(count: ReadCount) -> dict[str, float]:
    """Name what a task did not read; seconds at the rate of what it did read."""
    rate = count.cpu_seconds / count.bytes_read if count.bytes_read else 0.0
    found = {
        CLOUDY_SCENES: count.windows_skipped,
        CLOUDY_BLOCKS: count.blocks_skipped,
        CLOUDY_BYTES: count.bytes_skipped,
        CLOUDY_CPU_SECONDS: round(rate * count.bytes_skipped, 6),
    }
    return {why: number for why, number in found.items() if number}


def saved_by_planning(
    *, watched: int, worked_on: int, cpu_seconds: float
) -> dict[str, float]:
    """Name what tiles without news saved.

    Parameters
    ----------
    watched
        Tiles of the area.
    worked_on
        Tiles that had a task of the night.
    cpu_seconds
        Processor seconds of these; a tile without news would have taken the mean.
    """
    unchanged = watched - worked_on
    if unchanged <= 0:
        return {}
    found: dict[str, float] = {UNCHANGED_TILES: unchanged}
    if worked_on:
        found[UNCHANGED_CPU_SECONDS] = round(unchanged * cpu_seconds / worked_on, 6)
    return found


def price(saved: Mapping[str, float], kwh_per_cpu_second: float) -> dict[str, float]:
    """Add what the seconds that were saved would have taken, kWh."""
    seconds = sum(
        saved.get(why, 0.0) for why in (CLOUDY_CPU_SECONDS, UNCHANGED_CPU_SECONDS)
    )
    if not seconds:
        return dict(saved)
    return {**saved, SAVED_KWH: seconds * kwh_per_cpu_second}
