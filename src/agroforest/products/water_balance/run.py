"""Lead a field through its season and write the days."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.core.field import ProfileSeen
from agroforest.core.risk import EPOCH
from agroforest.core.soil import Soil
from agroforest.farm.fao56_files import Expected
from agroforest.products.water_balance.outputs import write_days
from agroforest.products.water_balance.request import (
    ALL_WEATHER,
    BalanceRequest,
    Records,
    Season,
    find_season,
    read_records,
)
from agroforest.water import RootZone
from agroforest.water.measured import find_profile_depletion
from agroforest.water.reference import Origin, find_reference_et
from agroforest.water.season import SeasonDay, adjust_crop, build_days, run_season

_SUMS = (
    *("etc", "eta", "rain", "runoff", "irrigation", "irrigation_loss"),
    *("percolation", "unmet"),
)
_ORIGINS = {
    Origin.GIVEN: "given",
    Origin.MEASURED: "Penman-Monteith",
    Origin.RADIATION_ESTIMATED: "Penman-Monteith, radiation from temperatures",
    Origin.TEMPERATURE_ONLY: "Hargreaves, from temperatures alone",
    Origin.MISSING: "missing",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceReport:
    """What was computed.

    Attributes
    ----------
    out
        The table.
    first, last, days
        Of the season.
    season_from
        Who said so.
    soil
        ``"uniform"`` or ``"layers"``.
    sums
        Over the season, mm.
    depletion_end, depletion_most
        mm.
    stressed_days
        On which the crop got less than it could have used.
    reference_et
        Days by the way the reference evapotranspiration came about.
    missing
        Days without weather; nothing was made up for them.
    against
        Largest differences from another program's run, by quantity, and the days
        compared.
    measured
        Measured depletion of the roots' zone against ours: days, mean difference (ours
        less theirs) and root mean square, mm.
    notes
        What was decided on the way.
    """

    out: str
    first: str
    last: str
    days: int
    season_from: str
    soil: str
    sums: dict[str, float]
    depletion_end: float
    depletion_most: float
    stressed_days: int
    reference_et: dict[str, int]
    missing: tuple[str, ...] = ()
    against: dict[str, float] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def write_balance(request: BalanceRequest) -> BalanceReport:
    """Read a season's files, lead the field through it, write its days.

    Raises
    ------
    DataError
        A file cannot be read; it is named.
    ConfigurationError
        The season is not one of the weather.
    """
    records = read_records(request)
    season = find_season(request, records)
    done = _run(request, records, season)
    write_days(request.out, done)
    return _report(request, records, season, done)


def _run(
    request: BalanceRequest, records: Records, season: Season
) -> Sequence[SeasonDay]:
    crop, soil = records.field.crop, records.field.soil
    if request.adjust:
        crop = adjust_crop(crop, records.weather, first=season.first)
    method = request.method
    if method.tall != records.weather.tall:
        if method.tall:
            raise ConfigurationError(
                request.wth, "is for a short reference crop", "leave the tall one out"
            )
        method = method.patch(tall=True)
    zone = RootZone.start(
        (),
        day=season.first - 1,
        crop=crop,
        soil=soil,
        moisture=records.field.moisture,
        method=method,
    )
    weather = records.weather.between(season.first, season.last)
    days = build_days(weather, waterings=records.waterings, seen=records.seen)
    return run_season(zone, days, crop=crop, soil=soil)


def _report(
    request: BalanceRequest,
    records: Records,
    season: Season,
    done: Sequence[SeasonDay],
) -> BalanceReport:
    weather = records.weather.between(season.first, season.last)
    origins = find_reference_et(weather).count()
    depletion = np.array([float(day.zone.depletion) for day in done])
    stress = np.array([float(day.out.ks) for day in done])
    expected = records.expected
    return BalanceReport(
        out=str(request.out),
        first=_say(season.first),
        last=_say(season.last),
        days=len(done),
        season_from=season.source,
        soil="layers" if records.field.soil.layered else "uniform",
        sums={
            name: round(float(np.nansum([getattr(d.out, name) for d in done])), 3)
            for name in _SUMS
        },
        depletion_end=round(float(depletion[-1]), 3),
        depletion_most=round(float(depletion.max()), 3),
        stressed_days=int(np.sum(stress < 1)),
        reference_et={_ORIGINS[kind]: number for kind, number in origins.items()},
        missing=tuple(_say(day.today.day) for day in done if int(day.zone.stale)),
        against={} if expected is None else _compare(done, expected),
        measured=_measure(done, records.measured, records.field.soil),
        notes=tuple(_note(records, season)),
    )


def _note(records: Records, season: Season) -> list[str]:
    """Say what may be otherwise than was meant."""
    notes = list(records.field.notes)
    outside = [
        one for one in records.waterings if not season.first <= one.day <= season.last
    ]
    if outside:
        notes.append(
            f"{len(outside)} irrigations lie outside the season, and are left out"
        )
    days = season.last - season.first + 1
    stages = int(records.field.crop.season_days)
    if season.source == ALL_WEATHER and days > stages:
        notes.append(
            f"the season is taken to begin with the weather, on {_say(season.first)}, "
            f"and has {days} days, the crop's stages have {stages}: --start says "
            "otherwise"
        )
    return notes


def _compare(done: Sequence[SeasonDay], expected: Expected) -> dict[str, float]:
    """Largest differences of the days that both have."""
    ours = {day.today.day: day for day in done}
    both = [i for i, day in enumerate(expected.days.tolist()) if day in ours]
    days = [ours[int(expected.days[i])] for i in both]

    def most(mine: list[float], theirs: NDArray[np.float64]) -> float:
        return round(float(np.max(np.abs(np.array(mine) - theirs[both]), initial=0)), 6)

    return {
        "days": len(both),
        "days_missing": len(expected.days) - len(both),
        "etc_mm": most([float(d.out.etc) for d in days], expected.etc),
        "depletion_mm": most(
            [float(d.zone.depletion) for d in days], expected.depletion
        ),
        "ks": most([float(d.out.ks) for d in days], expected.ks),
    }


def _measure(
    done: Sequence[SeasonDay], measured: Sequence[ProfileSeen], soil: Soil
) -> dict[str, float]:
    """Measured depletion against ours, on the days of both."""
    ours = {day.today.day: day.zone for day in done}
    differences = [
        float(ours[one.day].depletion)
        - float(find_profile_depletion(one, soil=soil, root=float(ours[one.day].root)))
        for one in measured
        if one.day in ours
    ]
    if not differences:
        return {}
    errors = np.array(differences)
    return {
        "days": len(errors),
        "bias_mm": round(float(errors.mean()), 3),
        "rmse_mm": round(float(np.sqrt(np.mean(errors**2))), 3),
    }


def _say(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()
