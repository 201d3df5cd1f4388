"""Labels that were collected outside, brought onto samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Generic

from agroforest.risk.task import S


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection(Generic[S]):
    """Samples around labels.

    Attributes
    ----------
    source
        File of the labels.
    digest
        SHA-256 of the file, hexadecimal.
    samples
        Items with a target; their places are blocks of ground.
    touched
        Of every item, the places other than its own that have labels inside it:
        who learns from the item sees them.
    labels, answers
        Labels, and answers such as pixels, that are used, by kind.
    seen
        First and last day of the labels that are used.
    set_aside
        Labels that are not used, by reason.
    strange
        Some words of theirs that nobody knows, fit to be shown.
    split
        How places are told apart, for the card.
    """

    source: Path
    digest: str
    samples: S = field(repr=False)
    touched: tuple[frozenset[str], ...] = field(repr=False)
    labels: Mapping[str, int]
    answers: Mapping[str, int]
    seen: tuple[date, date] | None
    set_aside: Mapping[str, int]
    strange: tuple[str, ...] = ()
    split: str
