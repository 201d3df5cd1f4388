"""The page of ``agroforest fire danger``: ranks and drivers of each day on a map."""

from typing import TYPE_CHECKING

import numpy as np

from agroforest import __version__
from agroforest.core.grid import Grid
from agroforest.fire.drivers import WORDS, Driver, Name
from agroforest.fire.outputs import UNTRAINED
from agroforest.maps import IndexLayer, MapPage, Notice, build_page

if TYPE_CHECKING:
    from agroforest.fire.danger import Danger, Scene

# Shown beside the rank, if known, with the ends of their scales: chosen for the eye.
_DRIVERS: dict[Name, tuple[float, float, str]] = {
    Name.FWI: (0, 40, "ylorbr"),
    Name.VPD: (0, 5, "ylorbr"),
    Name.RAIN: (0, 25, "ylgnbu"),
    Name.FUEL_MOISTURE: (50, 200, "brbg"),
    Name.NDMI_ANOMALY: (-3, 3, "brbg"),
    Name.SLOPE_FACTOR: (1, 5, "ylorbr"),
}
_TILE = "area"


def build(scene: "Scene", days: "list[Danger]") -> str:
    """Build the page of some days."""
    grid = scene.cells.grid
    layers = []
    known = [p[np.isfinite(p)] for p in (one.probability for one in days)]
    highest = float(max((p.max() for p in known if p.size), default=0.0))
    for danger in days:
        layers += _layers(danger, grid, scene.cells.inside, highest)
    last = days[-1]
    missing = [WORDS[d.name] for d in last.drivers if d.missing]
    coming = [str(one.day) for one in days if one.forecast]
    notices = [
        Notice(
            zh="等级由已发表的分级组合而成，未经本地训练或检验，不是起火概率。",
            en="The rank combines published classes; it was neither trained nor tested "
            "here and is no probability of fire.",
        )
    ]
    if last.model:
        notices.append(
            Notice(
                zh=f"概率由 {last.model} 给出：在本地热点上训练，指标见其模型卡。",
                en=f"The probability is that of {last.model}, trained on the user's "
                "hotspots; its card says how good it is.",
            )
        )
    if missing:
        notices.append(
            Notice(
                zh="缺少：" + "、".join(w.zh for w in missing),
                en="Missing: " + ", ".join(w.en for w in missing),
            )
        )
    if coming:
        notices.append(
            Notice(
                zh="预报日：" + "、".join(coming), en="Forecast: " + ", ".join(coming)
            )
        )
    return build_page(
        MapPage(
            title_zh="森林火险",
            title_en="Fire danger",
            subtitle_zh=f"{days[0].day} — {last.day}",
            subtitle_en=f"{days[0].day} to {last.day}",
            night=last.day,
            pipeline="fire danger",
            model=UNTRAINED,
            version=__version__,
            simulated=False,
            once=True,
            aoi=scene.aoi,
            indices=tuple(layers),
            notices=tuple(notices),
        )
    )


def _layers(
    danger: "Danger",
    grid: Grid,
    inside: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]",
    highest: float,
) -> list[IndexLayer]:
    rank = np.where(danger.rank > 0, danger.rank, np.nan)
    found = [
        IndexLayer(
            name="rank",
            title_zh="火险等级（1 至 5 级）",
            title_en="Fire danger rank 1 to 5",
            tile=_TILE,
            night=danger.day,
            grid=grid,
            values=rank,
            vmin=1,
            vmax=5,
            colormap="ylorbr",
            shown=True,
        )
    ]
    if np.isfinite(danger.probability).any():
        found.append(
            IndexLayer(
                name="probability",
                title_zh="热点概率（模型）",
                title_en="Probability of a hotspot (model)",
                tile=_TILE,
                night=danger.day,
                grid=grid,
                values=danger.probability,
                vmin=0,
                vmax=highest or 1.0,  # one scale for all days
                colormap="ylorbr",
            )
        )
    found += [
        _driver(driver, driver.values, danger, grid, inside)
        for driver in danger.drivers
        if driver.name in _DRIVERS and driver.values is not None
    ]
    return found


def _driver(
    driver: Driver,
    values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    danger: "Danger",
    grid: Grid,
    inside: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]",
) -> IndexLayer:
    low, high, colours = _DRIVERS[driver.name]
    words = WORDS[driver.name]
    return IndexLayer(
        name=str(driver.name),
        title_zh=words.zh,
        title_en=words.en,
        unit=words.unit,
        tile=_TILE,
        night=danger.day,
        grid=grid,
        values=np.where(inside, values, np.nan),
        vmin=low,
        vmax=high,
        colormap=colours,
    )
