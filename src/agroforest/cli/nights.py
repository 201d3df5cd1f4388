"""Which nights a command is about."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import typer


def resolve_nights(
    night: datetime | None, first: datetime | None, last: datetime | None
) -> list[date]:
    """Nights that ``--night``, or ``--from`` and ``--to``, ask for; else today, UTC.

    Raises
    ------
    typer.BadParameter
        If the options contradict each other.
    """
    if night is not None and (first or last):
        raise typer.BadParameter("give --night, or --from and --to")
    if (first is None) != (last is None):
        raise typer.BadParameter("give both --from and --to")
    if first is None or last is None:
        return [(night or datetime.now(UTC)).date()]
    if last < first:
        raise typer.BadParameter(f"--to {last:%Y-%m-%d} is before --from")
    count = (last - first).days + 1
    return [first.date() + timedelta(days=n) for n in range(count)]


def refuse_contradictions(
    *,
    catch_up: bool,
    at_most: int | None,
    night: datetime | None,
    first: datetime | None,
) -> None:
    """Refuse options that say nothing together.

    Raises
    ------
    typer.BadParameter
        If the options contradict each other.
    """
    if catch_up and (night is not None or first is not None):
        raise typer.BadParameter("give --catch-up, or --night, or --from and --to")
    if at_most is not None and not catch_up:
        raise typer.BadParameter("--at-most says how many nights --catch-up runs")


def find_missed(
    pipeline: str,
    database: str | Path,
    *,
    now: datetime,
    last: datetime | None = None,
    at_most: int | None = None,
) -> list[date]:
    """Nights that a pipeline has missed, up to tonight (UTC) or the night `last`.

    Raises
    ------
    ConfigurationError
        The clock says something that cannot be; see `resolve_missed`.
    """
    from agroforest.schedule.missed import resolve_missed
    from agroforest.store import open_store

    tonight = (last or now.astimezone(UTC)).date()
    with open_store(database) as store:
        return resolve_missed(store.last_night(pipeline), tonight, at_most)
