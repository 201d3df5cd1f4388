"""Quiet hours and the time of digests, by the clock on people's walls."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


def end_quiet(
    quiet: tuple[time, time] | None, moment: datetime, zone: ZoneInfo
) -> datetime:
    """First moment from `moment` on that is outside somebody's quiet hours.

    Parameters
    ----------
    quiet
        From and until when, local; passes midnight where it ends before it begins, and
        is empty where both are the same.
    moment
        With a time zone.
    zone
        Of the desk.

    Returns
    -------
    datetime
        UTC.
    """
    if quiet is None or quiet[0] == quiet[1]:
        return moment.astimezone(UTC)
    begin, end = quiet
    local = moment.astimezone(zone)
    clock = local.time()
    if begin < end:
        if not begin <= clock < end:
            return moment.astimezone(UTC)
        day = local.date()
    else:
        if end <= clock < begin:
            return moment.astimezone(UTC)
        day = local.date() if clock < end else local.date() + _DAY
    return _at(day, end, zone, after=moment)


def next_digest(at: time, moment: datetime, zone: ZoneInfo) -> datetime:
    """Time of the first digest after `moment`, UTC."""
    day = moment.astimezone(zone).date()
    today = _at(day, at, zone)
    return today if today > moment else _at(day + _DAY, at, zone)


def _at(
    day: date, clock: time, zone: ZoneInfo, *, after: datetime | None = None
) -> datetime:
    """Moment of a local day and time, UTC.

    Where clocks are put back it comes twice: the second is taken if the first is over.
    """
    first = datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
    if after is None or first > after:
        return first
    second = datetime.combine(day, clock.replace(fold=1), tzinfo=zone).astimezone(UTC)
    return max(second, after.astimezone(UTC))
