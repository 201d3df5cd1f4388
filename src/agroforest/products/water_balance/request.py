"""What to compute, from which files, for which days."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from agroforest.core.errors import AgroforestError, ConfigurationError
from agroforest.core.field import CanopySeen, DailyWeather, ProfileSeen, Watering
from agroforest.core.risk import EPOCH, epoch_day
from agroforest.farm.fao56_files import (
    Expected,
    Parameters,
    read_canopy,
    read_expected,
    read_parameters,
    read_profiles,
    read_run_days,
    read_waterings,
    read_weather,
)
from agroforest.water import Method

#: Files of a finished run, which lie beside its irrigation and say its days.
_RECORDS = (".sum", ".out")
#: Who says the season's days where nobody does.
ALL_WEATHER = "all of the weather"


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceRequest:
    """A season of one field.

    Attributes
    ----------
    par, wth
        Parameters and weather.
    out
        CSV to write.
    irr, sol, upd, sws
        Irrigation, soil in layers, canopy as it was seen, soil moisture as it was
        measured (compared only).
    against
        Output of another program, to be compared day by day.
    start, end
        Of the season; see `find_season`.
    method
        Of FAO-56; the reference crop comes with the weather.
    adjust
        Fit the table's coefficients to the season's wind and humidity.
    """

    par: Path
    wth: Path
    out: Path
    irr: Path | None = None
    sol: Path | None = None
    upd: Path | None = None
    sws: Path | None = None
    against: Path | None = None
    start: date | None = None
    end: date | None = None
    method: Method = field(default_factory=Method)
    adjust: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Records:
    """What the files of a request say."""

    field: Parameters
    weather: DailyWeather
    waterings: tuple[Watering, ...]
    seen: tuple[CanopySeen, ...]
    measured: tuple[ProfileSeen, ...]
    expected: Expected | None


def read_records(request: BalanceRequest) -> Records:
    """Read every file of a request.

    Raises
    ------
    DataError
        One of them cannot be read; it is named.
    """
    against = request.against
    return Records(
        field=read_parameters(request.par, layers=request.sol),
        weather=read_weather(request.wth),
        waterings=() if request.irr is None else read_waterings(request.irr),
        seen=() if request.upd is None else read_canopy(request.upd),
        measured=() if request.sws is None else read_profiles(request.sws),
        expected=None if against is None else read_expected(against),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Season:
    """First and last day, in days since 1970-01-01, and who said so."""

    first: int
    last: int
    source: str


def find_season(request: BalanceRequest, records: Records) -> Season:
    """Find the days of a season.

    The form has no place for them. What is given comes first, then the days of the run
    to compare with, then the header of a finished run that lies beside the irrigation
    or the parameters under their name, then the weather from end to end.

    Raises
    ------
    ConfigurationError
        The season goes beyond the weather, or ends before it starts.
    """
    known, source = _find_known(request, records)
    first, last = known
    named = [request.start and "--start", request.end and "--end"]
    if request.start is not None:
        first = epoch_day(request.start)
    if request.end is not None:
        last = epoch_day(request.end)
    said = " and ".join(str(name) for name in named if name)
    source = said if all(named) else ", ".join(filter(None, [said, source]))
    begin, end = _span(records.weather)
    if first > last or first < begin or last > end:
        raise ConfigurationError(
            request.wth,
            f"has the days {_say(begin)} to {_say(end)}, the season is "
            f"{_say(first)} to {_say(last)} ({source})",
            "give --start and --end within the weather",
        )
    return Season(first=first, last=last, source=source)


def _find_known(
    request: BalanceRequest, records: Records
) -> tuple[tuple[int, int], str]:
    begin, end = _span(records.weather)
    if records.expected is not None:
        days = records.expected.days
        return (int(days[0]), int(days[-1])), records.expected.path.name
    for path in (request.irr, request.par):
        for suffix in _RECORDS:
            beside = None if path is None else path.with_suffix(suffix)
            if beside is None or not beside.is_file():
                continue
            try:
                first, last = read_run_days(beside)
            except AgroforestError:
                continue  # some other file of that name
            if begin <= first <= last <= end:
                return (first, last), beside.name
    return (begin, end), ALL_WEATHER


def _span(weather: DailyWeather) -> tuple[int, int]:
    return int(weather.days[0]), int(np.max(weather.days))


def _say(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()
