"""What a card says of a model that learned on from another one."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Count = Annotated[int, Field(ge=0)]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

#: Whether it became better on blocks not learned from: ``better`` and ``worse`` if
#: the 95 % intervals of the differences say so, else ``unsure``.
Verdict = Literal["better", "unsure", "worse"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Comparison(_Section):
    """``[[fine_tuning.comparisons]]``: one number before and after.

    Both were counted on the same answers, each given by a copy that had not seen
    the block. Intervals are of 95 %, from resampling whole blocks.
    """

    name: str
    before: float
    before_low: float
    before_high: float
    after: float
    after_low: float
    after_high: float
    difference: float
    difference_low: float
    difference_high: float
    """Of both on the same resampled blocks."""


class FineTuning(_Section):
    """``[fine_tuning]``: what a model started from and what it learned."""

    base: str
    """Name and version of the model it started from."""
    base_sha256: _Digest
    """Of that model's weights."""
    labels_sha256: _Digest
    """Of the file of labels."""
    labels: Mapping[str, _Count]
    """Labels that were used, by kind."""
    answers: Mapping[str, _Count]
    """Pixels or other answers they stand for, by kind."""
    blocks: _Count
    """Blocks of ground they lie in."""
    first: str
    last: str
    """First and last day of those labels."""
    prevalence: Annotated[float, Field(ge=0, le=1)]
    """Share of what is looked for that the labels were weighed to."""
    set_aside: Mapping[str, _Count]
    """Labels that were not used, by reason."""
    left_out: _Count
    """Items that some copy did not learn from though it might have, because labels
    of a held-out block lie inside them."""
    verdict: Verdict
    """Of F1 as the models are used and of average precision, together."""
    comparisons: tuple[Comparison, ...]
