"""Moisture codes kept from night to night: a night leads them through one day.

A trail is used only if the weather of its last days is still what it was: stations
correct their numbers, and reports come late. Otherwise an older one is taken.
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from agroforest.core.errors import DataError
from agroforest.core.files import replacing
from agroforest.core.identity import digest
from agroforest.core.risk import EPOCH
from agroforest.core.weather import NoonWeather
from agroforest.fire.cells import Cells
from agroforest.fire.days import SPIN_UP, CellDay, Trail, advance
from agroforest.fire.weather_on_cells import CellWeather
from agroforest.indices.fire_weather import Codes
from agroforest.indices.fire_weather.htz import DrySpell

#: Trails kept, and days whose weather is compared: corrections and late reports of
#: more than two weeks ago are not taken up. Our choice.
KEPT = 15
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)
_FIELDS = ("temperature", "humidity", "wind", "rain")
_ATTRIBUTES, _RAIN, _DRY_DAYS = "attributes", "spell_rain", "spell_days"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Seen:
    """A trail, and the weather that its last days had.

    Attributes
    ----------
    trail
        After the last of the days.
    days
        Day since 1970-01-01 and `fingerprint` of its weather, rising.
    """

    trail: Trail = field(repr=False)
    days: tuple[tuple[int, str], ...]


def fingerprint(weather: NoonWeather) -> str:
    """Digest of a day's weather on the cells."""
    found = hashlib.blake2b(digest_size=16)
    for name in _FIELDS:
        values = np.ascontiguousarray(getattr(weather, name), dtype=np.float64)
        found.update(values.tobytes())
    return found.hexdigest()


class Trails:
    """Trails of the last nights, a file each.

    Parameters
    ----------
    folder
        Where they are kept; those of other cells lie beside them.
    cells
        Where the codes are.
    """

    def __init__(self, folder: Path, cells: Cells) -> None:
        grid = cells.grid
        key = digest(grid.crs, grid.left, grid.top, grid.resolution, grid.shape)
        self._folder = folder / key[:8]
        self._shape = grid.shape

    def lead(
        self, weather: CellWeather, day: int, *, least_rain: float
    ) -> CellDay | None:
        """Lead the codes to a day and keep the trail.

        Parameters
        ----------
        weather
            On the cells.
        day
            Since 1970-01-01.
        least_rain
            See `agroforest.fire.days.advance`.

        Returns
        -------
        CellDay or None
            ``None`` if the weather does not have the day, or only a forecast of it.
        """
        happened = weather.days[~weather.forecast].tolist()
        if day not in happened:
            return None
        seen = self._find(weather, day - 1)
        if seen is None:
            first = next(d for d in happened if d >= day - SPIN_UP)
            seen = Seen(trail=Trail.begin(self._shape, day=first), days=())
        start = seen.trail.codes.day + 1
        found: CellDay | None = None
        for each in (d for d in happened if start <= d <= day):
            found = advance(seen.trail, weather, each, least_rain=least_rain)
            days = (*seen.days, (each, fingerprint(found.weather)))
            seen = Seen(trail=found.trail, days=days[-KEPT:])
        self._keep(seen)
        return found

    def _path(self, day: int) -> Path:
        return self._folder / f"{_date(day)}.npz"

    def _find(self, weather: CellWeather, last: int) -> Seen | None:
        """Newest trail up to a day that the weather does not contradict."""
        newest = self._path(last).name
        for path in sorted(self._folder.glob("*.npz"), reverse=True):
            seen = self._read(path) if path.name <= newest else None
            if seen is not None and _still_so(seen, weather):
                return seen
        return None

    def _read(self, path: Path) -> Seen | None:
        """Read a trail; one that is missing or damaged is as if it had never been."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                arrays = {name: kept[name] for name in kept.files}
            stated = json.loads(str(arrays.pop(_ATTRIBUTES)))
            spell = DrySpell(rain=arrays.pop(_RAIN), days=arrays.pop(_DRY_DAYS))
            codes = Codes.from_saved(arrays, stated["codes"])
            days = tuple((int(d), str(f)) for d, f in stated["days"])
            trail = Trail(codes=codes, spell=spell, led=int(stated["led"]))
        except (*_DAMAGE, DataError):
            return None
        fits = codes.shape == self._shape == spell.rain.shape
        return Seen(trail=trail, days=days) if fits and days else None

    def _keep(self, seen: Seen) -> None:
        trail = seen.trail
        stated = json.dumps(
            {"codes": trail.codes.attributes(), "days": seen.days, "led": trail.led}
        )
        own: dict[str, Any] = {
            _RAIN: trail.spell.rain,
            _DRY_DAYS: trail.spell.days,
            _ATTRIBUTES: np.array(stated),
        }
        path = self._path(trail.codes.day)
        with replacing(path) as scratch, scratch.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                **trail.codes.arrays(),
                **own,
            )
        for old in sorted(self._folder.glob("*.npz"))[:-KEPT]:
            old.unlink(missing_ok=True)


def _still_so(seen: Seen, weather: CellWeather) -> bool:
    """Whether the weather of the days behind a trail is what it was then."""
    first, last = seen.days[0][0], seen.days[-1][0]
    within = (weather.days >= first) & (weather.days <= last) & ~weather.forecast
    if weather.days[within].tolist() != [day for day, _ in seen.days]:
        return False
    return all(fingerprint(weather.bring(day)) == said for day, said in seen.days)


def _date(day: int) -> date:
    return EPOCH + timedelta(days=day)
