"""Values from outside, as both databases can keep them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any


def clean(text: str) -> str:
    """Leave out what no database keeps: NUL, and halves of a UTF-16 pair."""
    return text.replace("\0", "").encode(errors="ignore").decode()


def plain(value: object) -> Any:  # noqa: ANN401  whatever JSON holds
    """Turn a value into what JSON holds and gives back unchanged.

    Mappings get text for keys, sequences become lists, dates and times their ISO
    form (times with a zone in UTC), members of an enum their value.
    """
    if isinstance(value, Mapping):
        return {clean(str(k)): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        ordered = sorted(value) if isinstance(value, set | frozenset) else value
        return [plain(v) for v in ordered]
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return clean(value) if isinstance(value, str) else value
