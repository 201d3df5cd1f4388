"""What a yearly task has to do, and what comes of it: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Lack(StrEnum):
    """What a tile lacks to be compared with the year before."""

    SEASON = "season"  #: scenes of the season
    SEASON_BEFORE = "season-before"  #: scenes of the season a year before
    BANDS = "bands"  #: scenes that hold all the bands
    LANDSAT = "landsat"  #: enough years of Landsat


@dataclass(frozen=True, kw_only=True, slots=True)
class YearlyModels:
    """Models of a yearly comparison: digests of what they say.

    Attributes
    ----------
    damage, cause
        Empty where the settings ask for none, or where it cannot run.
    missing
        Why a model cannot run, one line each.
    """

    damage: str = ""
    cause: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class YearlyWork:
    """What a yearly task compares.

    Attributes
    ----------
    year
        Whose season.
    models
        Who judges; a worker whose models differ refuses.
    compare, explain
        Whether there are scenes to compare two years with, and to look for causes.
    """

    year: int
    models: YearlyModels
    compare: bool
    explain: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Pixels:
    """What was said of the pixels under an alert, added up.

    Attributes
    ----------
    count
        Pixels of 30 m that were judged.
    chance
        Sum of their probabilities, by group of causes.
    """

    count: int
    chance: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class YearlyOutcome:
    """What a yearly task found.

    Attributes
    ----------
    year
        Whose season.
    compared, explained
        Whether the years were compared, and causes looked for.
    threshold
        Probability of damage that counts as detected.
    judged_ha, damaged_ha
        Forest that both years show, and what of it counts as damaged.
    filled
        Bands that the archive lacks and that were estimated.
    causes
        By alert.
    """

    year: int
    compared: bool = False
    explained: bool = False
    threshold: float = 0.0
    judged_ha: float = 0.0
    damaged_ha: float = 0.0
    filled: tuple[str, ...] = ()
    causes: Mapping[str, Pixels] = field(default_factory=dict)

    def patch(self, **changes: object) -> "YearlyOutcome":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def plain(self) -> dict[str, object]:
        """As plain values, for the ledger."""
        return {
            "year": self.year,
            "compared": self.compared,
            "explained": self.explained,
            "threshold": self.threshold,
            "judged_ha": round(self.judged_ha, 4),
            "damaged_ha": round(self.damaged_ha, 4),
            "filled": list(self.filled),
            "causes": {
                alert: {
                    "count": pixels.count,
                    "chance": {k: round(v, 4) for k, v in pixels.chance.items()},
                }
                for alert, pixels in self.causes.items()
            },
        }

    @classmethod
    def from_plain(cls, saved: Mapping[str, Any]) -> "YearlyOutcome":
        """Inverse of `plain`."""
        causes = {
            alert: Pixels(count=each["count"], chance=each["chance"])
            for alert, each in saved["causes"].items()
        }
        filled = tuple(saved["filled"])
        return cls(**{**saved, "filled": filled, "causes": causes})
