"""Which nights were missed."""

from datetime import date, timedelta

from agroforest.core.errors import ConfigurationError

#: More missed nights than this are rather a wrong clock than a machine that was off;
#: arbitrary.
MANY = 60


def resolve_missed(
    last: date | None, tonight: date, at_most: int | None = None
) -> list[date]:
    """Nights to run now so that none is missing, in order.

    Parameters
    ----------
    last
        The newest night that was run, even in part; ``None`` before the first.
    tonight
        The night that the clock says it is.
    at_most
        How many nights to run at once; the oldest come first, so that asking again
        does the rest. ``None`` runs all, but no more than `MANY`.

    Returns
    -------
    list of date
        Every night after `last` up to `tonight`. Tonight alone where none was run
        before, and where tonight was run already: that changes nothing, unless
        tiles had failed or scenes came since.

    Raises
    ------
    ConfigurationError
        Tonight is before `last`, or more than `MANY` nights are missing and nobody
        said how many to run. Either way the clock may be wrong.
    """
    if last is None or last == tonight:
        return [tonight]
    if tonight < last:
        raise ConfigurationError(
            "--catch-up",
            f"the clock says night {tonight}, but night {last} was run",
            "check the clock (timedatectl), or name nights with --from and --to",
        )
    count = (tonight - last).days
    if at_most is None and count > MANY:
        raise ConfigurationError(
            "--catch-up",
            f"{count} nights are missing from {last} to {tonight}",
            "check the clock (timedatectl); if it is right, "
            "say how many to run at once: --at-most N",
        )
    some = count if at_most is None else min(count, at_most)
    return [last + timedelta(days=n + 1) for n in range(some)]
