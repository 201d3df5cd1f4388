"""Resource paths: ``Things('field 3')/Datastreams`` (OGC 18-088, 9.2)."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from agroforest.core.errors import DataError

#: Steps of a path; arbitrary.
DEEPEST = 12

_STEP = re.compile(
    r"(?P<name>[A-Za-z$@][A-Za-z0-9_.@]*)"
    r"(?:\((?:'(?P<text>(?:[^']|'')*)'|(?P<bare>[A-Za-z0-9_.:-]+))\))?"
    r"(?:/|\Z)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of a path.

    Attributes
    ----------
    name
        Of a set, link or property.
    key
        Id in parentheses behind it.
    """

    name: str
    key: str | None = None


def parse_path(text: str) -> tuple[Step, ...]:
    """Read what is behind the root, percent signs decoded; quoted ids may hold ``/``.

    Raises
    ------
    DataError
        It cannot be read.
    """
    steps: list[Step] = []
    place = 0
    text = text.strip("/") if "'" not in text else text.lstrip("/")
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None or len(steps) == DEEPEST:
            raise DataError(
                "the address",
                f"cannot be read from {text[place : place + 40]!r} on",
                "write it as Things('ID')/Datastreams",
            )
        key = match["bare"]
        if match["text"] is not None:
            key = match["text"].replace("''", "'")
        steps.append(Step(name=match["name"], key=key))
        place = match.end()
    return tuple(steps)


def write_key(id_text: str) -> str:
    """Id as it stands behind a set in an address."""
    return "('{}')".format(quote(id_text.replace("'", "''"), safe="':"))
