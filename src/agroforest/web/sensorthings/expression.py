"""The tree of a ``$filter`` (OGC 18-088, 9.3.3.5.2)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Path:
    """A field, by the names that lead to it: ``Datastream/Thing/name``."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.names)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value, and how it was written."""

    value: str | float | bool | datetime | None
    written: str

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True, slots=True)
class Call:
    """A function of values."""

    name: str
    arguments: tuple["Value", ...]

    def __str__(self) -> str:
        return f"{self.name}()"


@dataclass(frozen=True, slots=True)
class Compare:
    """One of ``eq ne gt ge lt le`` between two values."""

    operator: str
    left: "Value"
    right: "Value"


@dataclass(frozen=True, slots=True)
class Junction:
    """``and`` or ``or`` of conditions."""

    operator: str
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """``not`` of a condition."""

    inner: "Condition"


Value = Path | Literal | Call
#: A value stands alone where it is true or false.
Condition = Compare | Junction | Negation | Value
