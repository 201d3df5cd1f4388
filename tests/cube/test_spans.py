"""Parts of files: the algebra that ranges are planned with."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agroforest.cube.spans import SpanSet, merge

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


def places(spans: list[tuple[int, int]]) -> set[int]:
    return {place for span in spans for place in range(*span)}


def test_by_hand() -> None:
    assert merge([(5, 9), (0, 3), (9, 9), (8, 12)]) == [(0, 3), (5, 12)]
    assert merge([(0, 3), (5, 9), (20, 21)], gap=2) == [(0, 9), (20, 21)]
    there = SpanSet()
    for span in [(10, 20), (30, 40), (20, 25), (50, 50)]:
        there.add(span)
    assert there.missing((0, 60)) == [(0, 10), (25, 30), (40, 60)]
    assert there.missing((12, 24)) == []


@given(SPANS, st.integers(0, 9))
def test_merging_covers_all_and_little_else(
    spans: list[tuple[int, int]], gap: int
) -> None:
    merged = merge(spans, gap)
    assert places(spans) <= places(merged)
    assert places(merge(spans)) == places(spans)
    for (_, stop), (start, _) in pairwise(merged):
        assert start - stop > gap
    assert sorted(merged) == merged


@given(SPANS, st.tuples(st.integers(0, 60), st.integers(0, 60)))
def test_missing_is_what_was_not_added(
    spans: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    there = SpanSet()
    for span in spans:
        there.add(span)
    missing = there.missing(asked)
    assert places(missing) == places([asked]) - places(spans)
    assert merge(missing) == missing
