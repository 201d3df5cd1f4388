"""The page of ``agroforest fire scar``: before and after on a map, with the scars."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from agroforest import __version__
from agroforest.core.aoi import Aoi, Place, PlaceKind
from agroforest.core.grid import WGS84, reproject
from agroforest.core.units import MU_PER_HA
from agroforest.fire.scar_outputs import FIRE, HARVEST
from agroforest.maps import IndexLayer, MapPage, Notice, build_page

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from agroforest.fire.scar import ScarMap
    from agroforest.fire.scar_survey import Scar

_TILE = "image"
_MOST = 500  # scars drawn, the largest; a page with more is slow on a telephone
_PALE = 0.05  # less is not drawn: it would veil the image below
_LOWEST = 3.0  # class of severity: what is unburned is not drawn
_NOTICES = (
    Notice(
        zh="过火范围由模型判读，仅用加利福尼亚火场训练，从未在广西检验。",
        en="Scars are judged by a model that learned from Californian fires and was "
        "never tested in Guangxi.",
    ),
    Notice(
        zh="既无热点也无炭迹的图斑标为“疑似采伐或翻耕”，请实地核查。",
        en="A patch with neither hotspot nor char is marked 'harvest?': go and look.",
    ),
)


def build(found: "ScarMap") -> str | None:
    """Build the page; None where nobody knows when the image was taken."""
    day = found.post.day
    if day is None:
        return None
    shown = found.scars[:_MOST]
    shapes = [scar.outline.geometry for scar in shown]
    outline: BaseGeometry = shapely.union_all(shapes) if shapes else _footprint(found)
    notices = list(_NOTICES)
    if found.pre is None:
        notices.append(
            Notice(
                zh="没有火前影像，不给出烧毁程度。",
                en="No image before the fire, so no severity is given.",
            )
        )
    before = found.pre.day if found.pre else None
    return build_page(
        MapPage(
            title_zh="火烧迹地",
            title_en="Burn scars",
            subtitle_zh=f"火后影像 {day}" + (f"，火前影像 {before}" if before else ""),
            subtitle_en=f"image after {day}"
            + (f", image before {before}" if before else ""),
            night=day,
            nights=(before,) if before else (),
            pipeline="fire scar",
            model=found.model,
            version=__version__,
            simulated=False,
            once=True,
            aoi=Aoi(
                source=Path("scars.geojson"),
                area=outline,
                places=tuple(map(_place, shown)),
            ),
            indices=tuple(_layers(found, day)),
            notices=tuple(notices),
        )
    )


def _layers(found: "ScarMap", day: "date") -> list[IndexLayer]:
    likely = np.where(found.probability >= _PALE, found.probability, np.nan)
    layers = [
        _layer(found, "burned", ("过火概率", "Probability of burned"), likely, day)
    ]
    if found.severity is not None:
        classes = np.where(found.severity >= _LOWEST, found.severity, np.nan)
        layers.append(
            _layer(
                found,
                "severity",
                ("烧毁程度（3 轻度 至 6 重度）", "Severity, 3 low to 6 high"),
                classes,
                day,
                ends=(_LOWEST, 6.0),
            )
        )
    images = [(day, found.nbr)]
    if (
        found.pre is not None
        and found.pre.day is not None
        and found.nbr_before is not None
    ):
        images.insert(0, (found.pre.day, found.nbr_before))
    layers += [
        _layer(
            found,
            "nbr",
            ("归一化燃烧指数，火前与火后", "NBR before and after"),
            values,
            taken,
            ends=(-0.5, 0.8),
            colours="brbg",
            shown=True,
        )
        for taken, values in images
    ]
    return layers


def _layer(
    found: "ScarMap",
    name: str,
    title: tuple[str, str],
    values: "NDArray[np.floating]",
    day: "date",
    *,
    ends: tuple[float, float] = (0.0, 1.0),
    colours: str = "ylorbr",
    shown: bool = False,
) -> IndexLayer:
    return IndexLayer(
        name=name,
        title_zh=title[0],
        title_en=title[1],
        tile=_TILE,
        night=day,
        grid=found.grid,
        values=values,
        vmin=ends[0],
        vmax=ends[1],
        colormap=colours,
        shown=shown,
    )


def _place(scar: "Scar") -> Place:
    zh, en = FIRE if scar.evidence.fire else HARVEST
    hectares = scar.outline.area_ha
    return Place(
        id=scar.outline.id,
        kind=PlaceKind.BOUNDARY,
        name_zh=f"{zh} {hectares:.1f} 公顷（{hectares * MU_PER_HA:.0f} 亩）",
        name_en=f"{en} {hectares:.1f} ha ({hectares * MU_PER_HA:.0f} mu)",
        cover="",
        geometry=scar.outline.geometry,
    )


def _footprint(found: "ScarMap") -> BaseGeometry:
    return reproject(shapely.box(*found.grid.bounds), found.grid.crs, WGS84)
