"""A small farm with made weather, probes and records; nothing was measured."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from agroforest.core.config import read_pipeline
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.nightly import NightOutcome, run_nights
from agroforest.store import open_store

NAME = "made-water"
SOWN = date(2024, 3, 1)
NIGHT = date(2024, 6, 10)
WEST, SOUTH, SIDE = 108.30, 22.80, 0.003  # about 10 hectares each
CANE = {"crop": "甘蔗", "sown": str(SOWN), "flow_m3h": 120, "method": "drip"}


def parcel(number: int, **properties: Any) -> dict[str, Any]:
    west = WEST + 2 * SIDE * number
    ring = [
        [west, SOUTH],
        [west + SIDE, SOUTH],
        [west + SIDE, SOUTH + SIDE],
        [west, SOUTH + SIDE],
        [west, SOUTH],
    ]
    named = {"id": f"p{number}", "kind": "parcel", "name_zh": f"{number} 号地"}
    return {
        "type": "Feature",
        "properties": named | {"name_en": f"field {number}"} | properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def middle(number: int) -> tuple[float, float]:
    return WEST + 2 * SIDE * number + SIDE / 2, SOUTH + SIDE / 2


def weather_rows(
    first: date,
    days: int,
    *,
    rain: Mapping[date, float] | None = None,
    eto: float = 5.0,
) -> list[str]:
    """Days of one evapotranspiration, and of rain where it is given."""
    given = rain or {}
    lines = []
    for n in range(days):
        day = first + timedelta(days=n)
        lines.append(f"{day},32.0,22.0,55.0,1.5,{eto},{given.get(day, 0.0)}")
    return lines


HEAD = "date,t_max,t_min,rh_min,wind,reference_et,rain"


@dataclass(frozen=True, kw_only=True)
class Farm:
    """A pipeline that watches water alone."""

    folder: Path
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def water(self) -> Path:
        return self.work / NAME / "water"

    @property
    def path(self) -> Path:
        return self.folder / "pipeline.toml"

    def set(self, **settings: object) -> None:
        self.settings.update(settings)
        told = {"weather": "weather.csv", "sand": 0.4, "clay": 0.25} | self.settings
        lines = [f'name = "{NAME}"', 'aoi = "area.geojson"', 'hazards = ["water"]']
        lines.append("[water]")
        for key, value in told.items():
            said = str(value).lower() if isinstance(value, bool) else repr(value)
            lines.append(f"{key} = {said}")
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def plant(self, *features: dict[str, Any]) -> None:
        document = {"type": "FeatureCollection", "features": list(features)}
        path = self.folder / "area.geojson"
        path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")

    def weather(self, rows: Sequence[str], name: str = "weather.csv") -> Path:
        path = self.folder / name
        path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
        return path

    def irrigate(self, *rows: str) -> None:
        self.set(irrigation="irrigation.csv")
        path = self.folder / "irrigation.csv"
        path.write_text("\n".join(["地块,日期,毫米", *rows]) + "\n", encoding="utf-8")

    def run(
        self, first: date, last: date | None = None, *, now: datetime | None = None
    ) -> list[NightOutcome]:
        count = ((last or first) - first).days + 1
        nights = [first + timedelta(days=n) for n in range(count)]
        pipeline = read_pipeline(self.path)
        return list(run_nights(pipeline, nights, work=self.work, now=now))

    def report(self, night: date) -> dict[str, Any]:
        self.run(night)
        found: dict[str, Any] = json.loads(
            (self.water / f"{night}.json").read_text("utf-8")
        )
        return found

    def parcel(self, night: date, number: int = 1) -> dict[str, Any]:
        parcels = self.report(night)["parcels"]
        (found,) = [p for p in parcels if p["id"] == f"p{number}"]
        assert isinstance(found, dict)
        return found

    def probe(
        self,
        name: str,
        values: Sequence[float],
        *,
        last: date,
        number: int = 1,
        depth: float | None = 0.3,
        step_hours: float = 2.0,
        title: str = "",
    ) -> None:
        """Store soil moisture that ends on the evening of a day, local time."""
        longitude, latitude = middle(number)
        end = datetime(last.year, last.month, last.day, 14, tzinfo=UTC)  # 22 h local
        count = len(values)
        readings = [
            Reading(
                sensor=name,
                time=end - timedelta(hours=step_hours * (count - 1 - n)),
                variable=Variable.SOIL_MOISTURE,
                depth_m=depth,
                value=float(value),
                quality=Quality.GOOD,
            )
            for n, value in enumerate(values)
        ]
        self.work.mkdir(exist_ok=True)
        with open_store(self.work / "agroforest.db") as store:
            store.add_sensors(
                [
                    Sensor(
                        id=name,
                        name=title or name,
                        longitude=longitude,
                        latitude=latitude,
                    )
                ]
            )
            store.add_readings(readings)

    def digests(self) -> dict[str, str]:
        """Of every file of water."""
        return {
            str(path.relative_to(self.water)): hashlib.sha256(
                path.read_bytes()
            ).hexdigest()
            for path in sorted(self.water.rglob("*"))
            if path.is_file()
        }


def drying(days: int, *, start: float, a_day: float, seed: int = 5) -> list[float]:
    """Soil that dries evenly, with a probe's noise, every two hours."""
    noise = np.random.default_rng(seed).normal(0.0, 0.001, days * 12)
    steps = start - a_day * np.arange(days * 12) / 12 + noise
    return [round(float(v), 4) for v in steps]


def build_farm(folder: Path) -> Farm:
    """One field of cane, dry weather from sowing until a month after the night."""
    farm = Farm(folder=folder)
    farm.plant(parcel(1, **CANE))
    farm.weather(weather_rows(SOWN, 130))
    farm.set()
    return farm
