"""Thresholds by version."""

import pytest
from tests.store.desks import NOW, make_deed

from agroforest.core.errors import ConflictError
from agroforest.core.risk import Hazard
from agroforest.core.threshold import Threshold, ThresholdSet
from agroforest.store import Store

ONE = Threshold(
    hazard=Hazard.CANOPY_LOSS,
    county="450110",
    value=0.1 + 0.2,
    target=0.8,
    verdicts=40,
    precision=0.85,
    low=0.7,
    high=0.93,
)


def test_versions_come_back_and_follow_each_other(desk_store: Store) -> None:
    assert desk_store.desk.thresholds() == []
    first = ThresholdSet(version=1, time=NOW, by="李", thresholds=(ONE,), note="试行")
    second = ThresholdSet(version=2, time=NOW, by="韦", reverts_to=0)
    desk_store.desk.add_thresholds(first, [make_deed("1", what="threshold.taken")])
    with pytest.raises(ConflictError, match="李 took version 1"):
        desk_store.desk.add_thresholds(
            ThresholdSet(version=1, time=NOW, by="韦"), [make_deed("lost")]
        )
    desk_store.desk.add_thresholds(second)
    assert desk_store.desk.thresholds() == [first, second]
    assert [d.entry.subject for d in desk_store.desk.deeds()] == ["1"]
