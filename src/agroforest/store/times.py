"""Times as the database keeps them: microseconds since 1970-01-01 UTC."""

from datetime import UTC, datetime, timedelta

from agroforest.core.errors import ConfigurationError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(time: datetime) -> int:
    """Count microseconds since 1970-01-01 UTC.

    Raises
    ------
    ConfigurationError
        The time has no zone.
    """
    if time.tzinfo is None:
        raise ConfigurationError(
            time.isoformat(), "has no time zone", "give the time with its zone"
        )
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Time, UTC, so many microseconds after 1970-01-01 UTC."""
    return _EPOCH + timedelta(microseconds=count)
