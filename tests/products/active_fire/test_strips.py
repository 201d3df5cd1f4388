"""Strips: every row is read once and judged once, with its margin."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agroforest.products.active_fire.files import Rows
from agroforest.products.active_fire.strips import strips


class Numbered:
    """Rows that hold their own number."""

    def __init__(self) -> None:
        self.read_rows: list[int] = []

    def read(self, first: int, end: int) -> Rows:
        self.read_rows += range(first, end)
        numbers = np.arange(first, end, dtype=np.float32)
        return Rows(
            first=first,
            bands=np.broadcast_to(numbers[None, :, None], (7, end - first, 2)),
            saturated=np.zeros((end - first, 2), dtype=bool),
        )


@given(st.integers(1, 90), st.integers(1, 40), st.integers(0, 12))
def test_rows_are_read_and_judged_once_with_what_lies_around(
    height: int, strip: int, margin: int
) -> None:
    source = Numbered()
    judged: list[int] = []
    for rows, first, end in strips(source, height, margin=margin, strip=strip):
        judged += range(first, end)
        assert rows.first <= max(first - margin, 0)
        assert rows.end >= min(end + margin, height)
        held = rows.bands[0, :, 0].tolist()
        assert held == list(range(rows.first, rows.end))
        assert len(held) <= 2 * strip + 3 * margin + 1  # memory does not grow
    assert source.read_rows == judged == list(range(height))
