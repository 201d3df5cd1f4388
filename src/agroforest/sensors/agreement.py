"""How far our flags and those in a file agree."""

from collections.abc import Sequence
from dataclasses import dataclass

from agroforest.sensors.check import Checked
from agroforest.sensors.flags_ismn import CODES


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """Counts of one code over the readings of a file.

    Attributes
    ----------
    code
        ISMN code.
    readings
        All readings.
    both, ours, theirs
        Flagged by both, by us alone, by the file alone.
    """

    code: str
    readings: int
    both: int
    ours: int
    theirs: int

    @property
    def of_flagged(self) -> float | None:
        """Share of both among the readings either flags; ``None`` if neither does."""
        either = self.both + self.ours + self.theirs
        return self.both / either if either else None

    @property
    def of_all(self) -> float:
        """Share of readings on which we agree."""
        return 1 - (self.ours + self.theirs) / self.readings if self.readings else 1.0


def compare(checked: Sequence[Checked], source_flags: Sequence[str]) -> list[Agreement]:
    """Count, for every code that either side knows, where the two agree.

    Parameters
    ----------
    checked
        Our judgement.
    source_flags
        The file's, one text a reading, in the same order.
    """
    theirs = [set(text.split(",")) for text in source_flags]
    found: list[Agreement] = []
    for code in CODES:
        pairs = [
            (code in one.flags, code in other)
            for one, other in zip(checked, theirs, strict=True)
        ]
        found.append(
            Agreement(
                code=code,
                readings=len(pairs),
                both=pairs.count((True, True)),
                ours=pairs.count((True, False)),
                theirs=pairs.count((False, True)),
            )
        )
    return found
