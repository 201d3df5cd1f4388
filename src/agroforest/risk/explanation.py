"""What drove one answer; without torch, which those who only show it may not have."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Explanation:
    """What drove one answer.

    Attributes
    ----------
    output
        Which output is explained: the likeliest class, or the only one.
    value, spread
        Its answer, and how far the members of the ensemble disagree.
    features, steps
        Names of the rows and columns of `change`.
    change
        ``(feature, step)`` float32: the answer less what it is without this
        feature at this step. Positive: this made the answer higher. NaN where there
        was nothing to take away.
    """

    output: str
    value: float
    spread: float
    features: tuple[str, ...]
    steps: tuple[str, ...]
    change: NDArray[np.float32]
