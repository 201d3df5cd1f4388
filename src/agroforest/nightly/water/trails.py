"""Root zones kept from night to night: a night leads them through one day.

A state is used only if the records of the days behind it are still what they were:
stations correct their numbers, irrigation is written down late, readings come in days
afterwards. Otherwise an older one is taken, and the days since are led anew.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from agroforest.core.errors import DataError
from agroforest.core.files import write_text
from agroforest.core.risk import EPOCH, epoch_day
from agroforest.nightly.water.almanac import Almanac, DayRecord
from agroforest.nightly.water.fields import FarmField
from agroforest.nightly.water.names import file_name
from agroforest.nightly.water.probe_names import SATELLITE
from agroforest.nightly.water.rows import BalanceRow, read_rows, write_rows
from agroforest.water import RootZone, step
from agroforest.water.assimilate import assimilate
from agroforest.water.measured import Measured, measure_probes, measure_wetness
from agroforest.water.stages import find_coefficients, find_height, find_root_depth

#: States kept: corrections and late records of more than two weeks ago are taken up
#: only by a fresh start. Our choice, as for the codes of fire danger.
KEPT = 15
#: A stand that was there before any record is led through so many days first.
SPIN_UP = 365
#: Days over which the error of a probe stays the same: so many daily readings count
#: for one, or a probe in an odd spot would soon be believed to the millimetre.
#: Arbitrary.
PERSISTENT_DAYS = 10.0
_DAMAGE = (OSError, ValueError, KeyError, TypeError)
_TYPES = {"age": np.int64, "stale": np.int16}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Led:
    """A field on the evening of a night.

    Attributes
    ----------
    zone
        Its roots' zone.
    rows
        Its account, day by day, the whole season and those before.
    file
        Where the account stands.
    """

    zone: RootZone
    rows: tuple[BalanceRow, ...] = field(repr=False)
    file: Path


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Kept:
    """A state, and the digest of what the day behind it brought."""

    zone: RootZone
    fingerprint: str


class Trails:
    """Root zones of the last nights, a file each field; and their accounts.

    Parameters
    ----------
    folder
        Of water.
    """

    def __init__(self, folder: Path) -> None:
        self._states, self._accounts = folder / "state", folder / "balance"

    def lead(self, one: FarmField, almanac: Almanac) -> Led | None:
        """Lead a field to the night's evening and keep it.

        Returns
        -------
        Led or None
            ``None`` between seasons, and before there is any weather.
        """
        season = one.find_season(EPOCH + timedelta(days=almanac.night))
        start = _find_start(one, almanac, season)
        if season is None or start is None:
            return None
        account = self._accounts / f"{file_name(one.id)}.csv"
        rows = read_rows(account)
        kept = self._find(one, almanac, rows)
        if kept and (one.perennial or kept[-1].zone.day >= epoch_day(season) - 1):
            zone = kept[-1].zone
            start = zone.day + 1
        else:
            kept, zone = [], _begin(one, start)
        rows = [row for row in rows if row.day < start]
        for day in range(start, almanac.night + 1):
            zone = _turn(one, zone, day)
            zone, row = advance(one, zone, almanac.find(one, day))
            rows.append(row)
            kept.append(_Kept(zone=zone, fingerprint=almanac.fingerprint(one, day)))
        self._keep(one, kept[-KEPT:])
        write_rows(account, rows)
        return Led(zone=zone, rows=tuple(rows), file=account)

    def _path(self, one: FarmField) -> Path:
        return self._states / f"{file_name(one.id)}.json"

    def _find(
        self, one: FarmField, almanac: Almanac, rows: Sequence[BalanceRow]
    ) -> list[_Kept]:
        """Find the states that no record contradicts, rising; none if none is left."""
        written = {row.day for row in rows}
        first = almanac.sky(one).first
        good: list[_Kept] = []
        for kept in self._read(one):
            day = kept.zone.day
            if day >= almanac.night or day not in written:
                break
            # What a short file no longer holds cannot be compared.
            gone = first is None or day < first
            if not gone and almanac.fingerprint(one, day) != kept.fingerprint:
                break
            good.append(kept)
        return good

    def _read(self, one: FarmField) -> list[_Kept]:
        """Read the states kept; what is missing or damaged was never there."""
        try:
            document = json.loads(self._path(one).read_text(encoding="utf-8"))
            if document["identity"] != one.identity:
                return []
            return [
                _Kept(zone=_load(each), fingerprint=str(each["fingerprint"]))
                for each in document["days"]
            ]
        except (*_DAMAGE, DataError):
            return []

    def _keep(self, one: FarmField, kept: Sequence[_Kept]) -> None:
        days = [
            {
                "fingerprint": each.fingerprint,
                "arrays": {k: v.item() for k, v in each.zone.arrays().items()},
                "attributes": each.zone.attributes(),
            }
            for each in kept
        ]
        text = json.dumps({"identity": one.identity, "days": days})
        write_text(self._path(one), text + "\n")


def advance(
    one: FarmField, zone: RootZone, record: DayRecord
) -> tuple[RootZone, BalanceRow]:
    """Lead a field through a day and draw it to what was measured in the evening."""
    crop, soil = one.entry.crop, one.soil
    zone, out = step(zone, record.today, crop=crop, soil=soil)
    before = float(zone.depletion)
    drawn: list[str] = []
    refused: list[str] = []
    moisture = record.moisture
    if moisture.depths:
        measured = measure_probes(
            moisture.depths,
            moisture.values,
            soil=soil,
            root=float(zone.root),
            capacities=moisture.capacities,
        )
        zone, taken = _draw(one, zone, measured, persistent=PERSISTENT_DAYS)
        (drawn if taken else refused).extend(moisture.sensors)
    if record.wetness is not None:
        measured = measure_wetness(
            record.wetness, available=float(soil.available(zone.root))
        )
        zone, taken = _draw(one, zone, measured)
        (drawn if taken else refused).append(SATELLITE)
    return zone, BalanceRow.of(
        record.today,
        zone,
        out,
        correction=float(zone.depletion) - before,
        drawn=tuple(drawn),
        refused=tuple(refused),
    )


def _draw(
    one: FarmField, zone: RootZone, measured: Measured, *, persistent: float = 1.0
) -> tuple[RootZone, bool]:
    """Draw a zone to a measurement, unless the two are too far apart to be true.

    How far apart is judged by the measurement's own error; how much it weighs, by the
    error that stays the same from day to day. Where the two are further apart than
    the errors explain, the account is the less sure of the two: water was given that
    nobody wrote down, or roots drink from below (a variance from the innovation:
    Mehra 1970, IEEE Trans. Autom. Control 15, 175-184). A dry field's account would
    otherwise be sure of itself whatever a probe says, because dry plants drink less.
    """
    crop, soil = one.entry.crop, one.soil
    _, correction = assimilate(zone, measured, crop=crop, soil=soil)
    if not bool(correction.taken):
        return zone, False
    lack = np.clip(measured.depletion, 0.0, soil.available(zone.root))
    apart = (lack - zone.depletion) ** 2 - measured.variance
    unsure = zone.patch(variance=np.maximum(zone.variance, apart))
    weighed = Measured(
        depletion=measured.depletion, variance=measured.variance * persistent
    )
    return assimilate(unsure, weighed, crop=crop, soil=soil)[0], True


def _find_start(one: FarmField, almanac: Almanac, season: date | None) -> int | None:
    """First day of a balance begun tonight; ``None`` without season or weather."""
    known = almanac.sky(one).first
    if season is None or known is None:
        return None
    start = epoch_day(season)
    if one.perennial:
        start = almanac.night - SPIN_UP
        if one.sowing.year is not None:
            planted = date(one.sowing.year, one.sowing.month, one.sowing.day)
            start = max(start, epoch_day(planted))
    return max(start, known)


def _begin(one: FarmField, day: int) -> RootZone:
    """Root zone on the evening before a day, at field capacity for want of better."""
    crop = one.entry.crop
    zone = RootZone.start((), day=day - 1, crop=crop, soil=one.soil)
    season = one.find_season(EPOCH + timedelta(days=day))
    age = -1 if season is None else day - 1 - epoch_day(season)
    if age < 0:
        return zone
    now = np.asarray(age, dtype=np.int64)
    kcb = find_coefficients(crop, now).kcb
    grown = age >= float(crop.days_ini) + float(crop.days_dev)
    size = np.asarray(crop.kcb_mid, dtype=np.float64) if grown else kcb
    return zone.patch(
        age=now,
        kcb=kcb,
        table_kcb=kcb,
        root=np.maximum(zone.root, find_root_depth(crop, size)),
        height=np.maximum(zone.height, find_height(crop, size)),
    )


def _turn(one: FarmField, zone: RootZone, day: int) -> RootZone:
    """Begin the calendar of a standing crop again on its day."""
    season = one.find_season(EPOCH + timedelta(days=day))
    if one.perennial and season is not None and epoch_day(season) == day:
        return zone.patch(age=np.full(zone.shape, -1, dtype=np.int64))
    return zone


def _load(document: dict[str, Any]) -> RootZone:
    arrays = {
        name: np.asarray(value, dtype=_TYPES.get(name, np.float64))
        for name, value in document["arrays"].items()
    }
    return RootZone.from_saved(arrays, document["attributes"])
