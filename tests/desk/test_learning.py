from datetime import date, timedelta
from pathlib import Path

import pytest
from shapely.affinity import translate
from tests.review.cases import CHEN, LI, NOW, SQUARE, later
from tests.review.test_following import NIGHT, alert, change, fire

from agroforest.core.alert import Change
from agroforest.core.errors import ConflictError, DataError, ForbiddenError
from agroforest.core.fire import Outcome, Verification
from agroforest.core.review import Reason, Stage
from agroforest.core.risk import Hazard
from agroforest.core.threshold import Threshold
from agroforest.desk.bureau import Bureau
from agroforest.desk.label_files import write_labels
from agroforest.desk.learning import (
    find_standing,
    read_decided,
    read_fires,
    read_judged,
    read_waiting,
    revert,
    take,
)
from agroforest.desk.work import act, follow
from agroforest.hotspots.firms import read_firms
from agroforest.hotspots.static import read_static
from agroforest.review import commands as ask
from agroforest.review.labels import sort_labels
from agroforest.risk.datasets.survey.labels import Status, read_survey
from agroforest.store import Store

BUREAU = Bureau()


def judge(store: Store, name: str, reason: Reason, note: str = "") -> None:
    """Let a reviewer judge and a supervisor approve."""
    seen = {Reason.SEEN_IN_IMAGES, Reason.SEEN_IN_FIELD, Reason.REPORTED}
    if reason in seen:
        act(store, BUREAU, ask.Pass(case=name), LI, now=NOW)
    kind = ask.Confirm if reason in seen else ask.Dismiss
    act(store, BUREAU, kind(case=name, reason=reason, note=note), LI, now=later(1))
    act(store, BUREAU, ask.Approve(case=name), CHEN, now=later(2))


def record(store: Store, *names: str, hazard: Hazard = Hazard.CANOPY_LOSS) -> None:
    burning = hazard == Hazard.ACTIVE_FIRE
    store.record_night(
        alerts=[
            alert(name, hazard=hazard, geometry=translate(SQUARE, n / 50))
            for n, name in enumerate(names)
        ],
        instructions=[change(Change.NEW, name) for name in names],
        fires=[fire(alert=name) for name in names] if burning else [],
    )
    follow(store, BUREAU)


def threshold(value: float) -> Threshold:
    return Threshold(
        hazard=Hazard.CANOPY_LOSS,
        county="",
        value=value,
        target=0.8,
        verdicts=40,
        precision=0.8,
        low=0.7,
        high=0.9,
    )


class TestThresholds:
    def test_taking_and_reverting_add_versions_and_deeds(self, store: Store):
        assert find_standing(store) is None
        first = take(store, (threshold(0.6),), CHEN, now=NOW, note="spring")
        second = take(store, (threshold(0.8),), CHEN, now=later(1))
        third = revert(store, 1, CHEN, now=later(2), note="too strict")
        assert [first.version, second.version, third.version] == [1, 2, 3]
        assert (third.thresholds, third.reverts_to) == (first.thresholds, 1)
        assert find_standing(store) == third
        deeds = [s.entry for s in reversed(store.desk.deeds())]
        assert [d.what for d in deeds] == [
            *("threshold.taken", "threshold.taken", "threshold.reverted"),
        ]
        assert (deeds[2].before, deeds[2].after) == (
            {"canopy-loss": 0.8},
            {"canopy-loss": 0.6},
        )
        assert revert(store, 0, CHEN, now=later(3)).thresholds == ()

    def test_the_second_of_two_is_refused(self, store: Store):
        take(store, (threshold(0.6),), CHEN, now=NOW, seen=0)
        with pytest.raises(ConflictError):
            take(store, (threshold(0.7),), CHEN, now=NOW, seen=0)

    def test_a_reviewer_takes_none(self, store: Store):
        with pytest.raises(ForbiddenError, match="may not set thresholds"):
            take(store, (), LI, now=NOW)
        assert store.desk.thresholds() == []

    def test_a_version_that_never_was(self, store: Store):
        with pytest.raises(DataError, match="never taken"):
            revert(store, 4, CHEN, now=NOW)

    def test_the_next_night_knows_them(self, store: Store):
        take(store, (threshold(0.71),), CHEN, now=NOW)
        record(store, "a1")
        one = store.desk.case("a1")
        assert one is not None
        assert one.stage == Stage.CLOSED
        assert "阈值 0.71（第 1 版）" in store.desk.steps("a1")[0].note

    def test_what_was_decided_and_what_waits(self, store: Store):
        record(store, "a1", "b1", "c1")
        judge(store, "a1", Reason.CLOUD)
        act(store, BUREAU, ask.Pass(case="b1"), LI, now=NOW)
        assert [r.id for r in read_decided(store)] == ["a1"]
        assert [r.id for r in read_waiting(store)] == ["c1"]


class TestLabels:
    def test_models_read_what_is_written(self, store: Store, tmp_path: Path):
        record(store, "a1", "b1", "c1", "d1")
        judge(store, "a1", Reason.SEEN_IN_FIELD, "枯死 =1+1")
        judge(store, "b1", Reason.CLOUD)
        judge(store, "c1", Reason.HARVEST)
        record(store, "f1", "g1", "h1", "i1", "j1", hazard=Hazard.ACTIVE_FIRE)
        judge(store, "f1", Reason.REPORTED)
        judge(store, "g1", Reason.KNOWN_FIRE_PLACE)
        for name, outcome in (("h1", "forest-fire"), ("i1", "crop-burning")):
            found = Verification(time=later(8), outcome=Outcome(outcome), by="王")
            store.verify(name, found)
        fires = read_fires(store)
        labels, refused = sort_labels(read_judged(store), fires)
        out = tmp_path / "labels"
        facts = {alert.id: known for alert, known in fires}
        counts = write_labels(out, labels, refused, facts)
        assert counts == {
            "survey.gpkg": 2,
            "fires.csv": 2,
            "static.geojson": 1,
            "refused.csv": 2,
        }
        survey = read_survey(out / "survey.gpkg")
        assert [s.status for s in survey.labels] == [Status.DAMAGED, Status.CLEAN]
        assert survey.labels[0].start == date(2024, 4, 30)
        assert survey.labels[0].geometry.equals(SQUARE)
        assert not survey.set_aside
        feed = read_firms([out / "fires.csv"])
        assert not feed.refused
        # Both events of the test are one detection to a feed: the same place and time.
        (seen,) = feed.detections.time.tolist()
        assert seen == NOW.replace(tzinfo=None)
        assert len(feed.repeated) == 1
        (static,) = read_static(out / "static.geojson")
        assert (static.id, static.burns) == ("g1", False)
        assert (out / "refused.csv").read_text(encoding="utf-8").splitlines()[1] == (
            'c1,canopy-loss,"harvested: gone, but not as an alert means it"'
        )

    def test_what_is_no_label_any_more_leaves_no_file(
        self, store: Store, tmp_path: Path
    ):
        record(store, "a1")
        judge(store, "a1", Reason.CLOUD)
        for expected in (True, False):
            labels, refused = sort_labels(read_judged(store))
            write_labels(tmp_path, labels, refused, {})
            assert (tmp_path / "survey.gpkg").exists() == expected
            reopened = ask.Reopen(case="a1", note="no cloud")
            if expected:
                act(store, BUREAU, reopened, CHEN, now=later(9))
        assert (tmp_path / "refused.csv").exists()


def test_nights_after_another_are_followed_by_the_same_thresholds(store: Store):
    take(store, (threshold(0.9),), CHEN, now=NOW)
    record(store, "a1")
    night = NIGHT + timedelta(days=2)
    store.record_night(
        alerts=[alert("a1", probability=0.95)],
        instructions=[change(Change.GROWN, "a1", night=night)],
    )
    follow(store, BUREAU)
    one = store.desk.case("a1")
    assert one is not None
    assert one.stage == Stage.PRESCREEN
