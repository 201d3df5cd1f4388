"""Which nights a command is about."""

from datetime import UTC, date, datetime, timedelta

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
