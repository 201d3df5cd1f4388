"""Drivers of fire danger: what is known of a cell on a day, and what is not.

A driver that is missing is listed with the reason. It is never filled.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Name(StrEnum):
    """The drivers, in the order of the bands and of what a model learns from."""

    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    WIND = "wind"
    RAIN = "rain"
    VPD = "vpd"
    FFMC = "ffmc"
    DMC = "dmc"
    DC = "dc"
    ISI = "isi"
    BUI = "bui"
    FWI = "fwi"
    FWI_CLASS = "fwi_class"
    HTZ = "htz"
    FUEL_MOISTURE = "lfmc"
    NDMI = "ndmi"
    NDMI_ANOMALY = "ndmi_anomaly"
    HOTSPOTS = "expected_hotspots"
    ELEVATION = "elevation"
    SLOPE = "slope"
    SOUTH = "south"
    WEST = "west"
    SLOPE_FACTOR = "slope_factor"
    ROAD = "road_km"
    SETTLEMENT = "settlement_km"
    COVER = "cover"


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What a driver is called.

    Attributes
    ----------
    zh, en
        Names.
    unit
        Of the numbers; empty for none.
    """

    zh: str
    en: str
    unit: str = ""


WORDS: dict[Name, Words] = {
    Name.TEMPERATURE: Words(zh="正午气温", en="temperature at noon", unit="°C"),
    Name.HUMIDITY: Words(zh="正午相对湿度", en="humidity at noon", unit="%"),
    Name.WIND: Words(zh="正午风速", en="wind at noon", unit="km/h"),
    Name.RAIN: Words(zh="24 小时降水", en="rain of 24 hours", unit="mm"),
    Name.VPD: Words(zh="饱和水汽压差", en="vapour pressure deficit", unit="kPa"),
    Name.FFMC: Words(zh="细小可燃物湿度码", en="fine fuel moisture code"),
    Name.DMC: Words(zh="腐殖质湿度码", en="duff moisture code"),
    Name.DC: Words(zh="干旱码", en="drought code"),
    Name.ISI: Words(zh="初始蔓延指数", en="initial spread index"),
    Name.BUI: Words(zh="可燃物累积指数", en="build-up index"),
    Name.FWI: Words(zh="火险天气指数", en="fire weather index"),
    Name.FWI_CLASS: Words(zh="火险天气等级", en="class of the fire weather index"),
    Name.HTZ: Words(zh="HTZ 等级（LY/T 1172-95）", en="HTZ rank (LY/T 1172-95)"),
    Name.FUEL_MOISTURE: Words(zh="活可燃物含水率", en="live fuel moisture", unit="%"),
    Name.NDMI: Words(zh="归一化水分指数", en="NDMI"),
    Name.NDMI_ANOMALY: Words(zh="NDMI 距平", en="NDMI anomaly", unit="sd"),
    Name.HOTSPOTS: Words(
        zh="常年同期热点数", en="hotspots usual here on this day", unit="1/km²/d"
    ),
    Name.ELEVATION: Words(zh="海拔", en="elevation", unit="m"),
    Name.SLOPE: Words(zh="坡度", en="slope", unit="°"),
    Name.SOUTH: Words(zh="朝南程度", en="facing south"),
    Name.WEST: Words(zh="朝西程度", en="facing west"),
    Name.SLOPE_FACTOR: Words(zh="坡度蔓延系数", en="slope factor of spread"),
    Name.ROAD: Words(zh="距道路", en="distance to a road", unit="km"),
    Name.SETTLEMENT: Words(zh="距居民点", en="distance to a settlement", unit="km"),
    Name.COVER: Words(zh="林种/作物", en="species or crop"),
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Driver:
    """One driver on the cells.

    Attributes
    ----------
    name
        Which one.
    values
        ``(y, x)`` float64, NaN where it is not known; ``None`` if it is missing.
    source
        Where the numbers come from; if it is missing, why.
    ranked
        Whether the rank depends on it; the others are shown beside it.
    """

    name: Name
    values: Floats | None = field(repr=False)
    source: str
    ranked: bool = False

    @property
    def missing(self) -> bool:
        """True where nothing is known of it."""
        return self.values is None

    def patch(self, **changes: object) -> "Driver":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def plain(self) -> dict[str, object]:
        """As plain values, for JSON."""
        words = WORDS[self.name]
        return {
            "name": str(self.name),
            "zh": words.zh,
            "en": words.en,
            "unit": words.unit,
            "missing": self.missing,
            "in_rank": self.ranked and not self.missing,
            "source": self.source,
        }


def absent(name: Name, why: str, *, ranked: bool = False) -> Driver:
    """Return a driver that is missing."""
    return Driver(name=name, values=None, source=why, ranked=ranked)


def given(name: Name, values: Floats, source: str, *, ranked: bool = False) -> Driver:
    """Return a driver that is known; one that is NaN everywhere is missing."""
    if not np.isfinite(values).any():
        return absent(name, f"{source}: no value on any cell", ranked=ranked)
    return Driver(
        name=name, values=np.asarray(values, np.float64), source=source, ranked=ranked
    )
