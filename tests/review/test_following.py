from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from shapely import box
from tests.review.cases import LI, NOW, SQUARE, TWO, case, opening

from agroforest.core.alert import Alert, AlertStatus, Change, Instruction
from agroforest.core.county import Counties, County
from agroforest.core.fire import (
    EventConfidence,
    EventKind,
    FireFacts,
    Gate,
    HotspotEvent,
    Outcome,
    Verification,
)
from agroforest.core.queue import DeskChanges
from agroforest.core.review import Act, Case, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.core.threshold import Threshold, ThresholdSet
from agroforest.review.commands import Unmerge
from agroforest.review.following import follow, note_verifications
from agroforest.review.life import decide
from agroforest.review.replay import replay

NIGHT = date(2024, 5, 1)
COUNTIES = Counties(
    [
        County(
            code="1", name_zh="东县", name_en="East", geometry=box(102.004, 24, 103, 26)
        ),
        County(
            code="2", name_zh="西县", name_en="West", geometry=box(101, 24, 102.004, 26)
        ),
    ]
)
EAST = ("1", "东县", "East")


def alert(name: str = "a1", **fields: Any) -> Alert:
    return Alert(
        **{
            "id": name,
            "pipeline": "demo",
            "hazard": Hazard.CANOPY_LOSS,
            "model": "m 1",
            "status": AlertStatus.OPEN,
            "geometry": SQUARE,
            "area_ha": 2.0,
            "reported_area_ha": 2.0,
            "probability": 0.7,
            "first_night": NIGHT,
            "last_night": NIGHT,
            "since": date(2024, 4, 20),
            "evidence": date(2024, 4, 30),
            "changed": NIGHT,
            "places": ("p1",),
            **fields,
        }
    )


def change(
    what: Change, name: str = "a1", *, night: date = NIGHT, into: str | None = None
) -> Instruction:
    return Instruction(alert=name, night=night, change=what, area_ha=2.0, into=into)


def fire(verification: Verification | None = None, **fields: Any) -> FireFacts:
    event = HotspotEvent(
        id="e1",
        geometry=SQUARE,
        longitude=102.005,
        latitude=25.005,
        kind=EventKind.FIRE,
        confidence=EventConfidence.HIGH,
        sure_viirs=True,
        first=NOW,
        last=NOW,
        looks=1,
        detections=2,
        viirs=2,
        satellites=("N",),
        county=("南县", "South"),
        county_code="3",
    )
    return FireFacts(
        **{
            "alert": "a1",
            "event": event,
            "gate": Gate.PASSED,
            "gate_zh": "",
            "gate_en": "",
            "raised": NOW,
            "verify_by": NOW + timedelta(hours=1),
            "verification": verification,
            **fields,
        }
    )


def see(what: Change, *cases: Case, **fields: Any) -> DeskChanges:
    instruction = change(what, night=date(2024, 5, 9), into=fields.pop("into", None))
    known = {c.id: c for c in cases}
    return follow([(instruction, alert(**fields), None)], known, COUNTIES)


class TestNewAlerts:
    def test_a_new_alert_opens_a_case_in_the_county_that_holds_most_of_it(self):
        done = follow([(change(Change.NEW), alert(), None)], {}, COUNTIES)
        (one,), (step,) = done.cases, done.steps
        assert (one.stage, one.version, one.county) == (Stage.PRESCREEN, 1, EAST)
        assert one.opened == datetime(2024, 5, 2, tzinfo=UTC)
        assert one.rank > 0
        assert (step.by, step.act, step.key) == ("night", Act.OPEN, "a1:2024-05-01:new")
        assert replay(done.steps, SQUARE) == one

    def test_outside_of_all_counties_the_county_is_not_known(self):
        done = follow([(change(Change.NEW), alert(), None)], {}, Counties())
        assert done.cases[0].county == ("", "", "")

    def test_a_fire_has_its_clock_and_the_county_that_its_event_names(self):
        news = (change(Change.NEW), alert(hazard=Hazard.ACTIVE_FIRE), fire())
        (one,) = follow([news], {}, Counties(), NOW).cases
        assert (one.due, one.opened) == (NOW + timedelta(hours=1), NOW)
        assert one.county == ("3", "南县", "South")

    def test_a_night_and_the_next_follow_one_another(self):
        done = follow(
            [
                (change(Change.NEW), alert(), None),
                (change(Change.RELEASED, night=date(2024, 5, 3)), alert(), None),
                (change(Change.CLOSED, night=date(2024, 7, 3)), alert(), None),
            ],
            {},
            COUNTIES,
        )
        assert [s.number for s in done.steps] == [1, 2, 3]
        (one,) = done.cases
        assert (one.stage, one.version) == (Stage.CLOSED, 3)
        assert replay(done.steps, SQUARE) == one


class TestThresholds:
    def bars(self, **values: float) -> ThresholdSet:
        made = tuple(
            Threshold(
                hazard=Hazard.CANOPY_LOSS,
                county=county.removeprefix("c"),
                value=value,
                target=0.8,
                verdicts=40,
                precision=0.8,
                low=0.7,
                high=0.9,
            )
            for county, value in values.items()
        )
        return ThresholdSet(version=3, time=NOW, by="chen", thresholds=made)

    @pytest.mark.parametrize(
        ("bars", "stage"),
        [
            ({"c1": 0.71}, Stage.CLOSED),
            ({"c1": 0.70}, Stage.PRESCREEN),
            ({"c2": 0.9}, Stage.PRESCREEN),
            ({"c": 0.9}, Stage.CLOSED),
            ({"c": 0.9, "c1": 0.5}, Stage.PRESCREEN),
        ],
    )
    def test_a_case_below_its_countys_threshold_opens_closed(
        self, bars: dict[str, float], stage: Stage
    ):
        news = (change(Change.NEW), alert(), None)
        done = follow([news], {}, COUNTIES, thresholds=self.bars(**bars))
        assert done.cases[0].stage == stage
        assert bool(done.steps[0].note) == (stage == Stage.CLOSED)
        assert replay(done.steps, SQUARE) == done.cases[0]

    def test_it_is_queued_once_it_grows_above_it(self):
        closed = case(stage=Stage.CLOSED, county=EAST)
        for probability, stage in ((0.7, Stage.CLOSED), (0.8, Stage.PRESCREEN)):
            news = (change(Change.GROWN), alert(probability=probability), None)
            done = follow(
                [news], {"a1": closed}, COUNTIES, thresholds=self.bars(c1=0.75)
            )
            assert done.cases[0].stage == stage

    def test_nobody_gave_heat_a_probability(self):
        news = (change(Change.NEW), alert(probability=None), None)
        done = follow([news], {}, COUNTIES, thresholds=self.bars(c1=0.9))
        assert done.cases[0].stage == Stage.PRESCREEN


class TestChanges:
    @pytest.mark.parametrize("what", [Change.GROWN, Change.REOPENED])
    @pytest.mark.parametrize(
        ("stage", "verdict", "becomes"),
        [
            (Stage.PRESCREEN, None, Stage.PRESCREEN),
            (Stage.VERDICT, None, Stage.VERDICT),
            (Stage.SUPERVISOR, Verdict.DISMISSED, Stage.SUPERVISOR),
            (Stage.DECIDED, Verdict.DISMISSED, Stage.PRESCREEN),
            (Stage.DECIDED, Verdict.CONFIRMED, Stage.DECIDED),
            (Stage.CLOSED, Verdict.DISMISSED, Stage.PRESCREEN),
            (Stage.CLOSED, Verdict.CONFIRMED, Stage.PRESCREEN),
            (Stage.CLOSED, None, Stage.PRESCREEN),
        ],
    )
    def test_more_is_seen(
        self, what: Change, stage: Stage, verdict: Verdict | None, becomes: Stage
    ):
        before = case(stage=stage, verdict=verdict)
        done = see(what, before, geometry=TWO, area_ha=7.0)
        (one,) = done.cases
        assert (one.stage, one.area_ha, one.geometry) == (becomes, 7.0, TWO)
        assert (one.version, done.steps[0].act) == (2, Act.SEE)

    @pytest.mark.parametrize("stage", Stage)
    def test_an_alert_that_ends_closes_only_what_nobody_has_looked_at(
        self, stage: Stage
    ):
        (one,) = see(Change.CLOSED, case(stage=stage)).cases
        assert one.stage == (Stage.CLOSED if stage == Stage.PRESCREEN else stage)

    @pytest.mark.parametrize("stage", Stage)
    def test_a_released_alert_moves_nothing(self, stage: Stage):
        (one,) = see(Change.RELEASED, case(stage=stage)).cases
        assert (one.stage, one.version) == (stage, 2)

    @pytest.mark.parametrize(
        ("stage", "verdict", "merged"),
        [
            (Stage.PRESCREEN, None, True),
            (Stage.VERDICT, None, True),
            (Stage.VERDICT, Verdict.CONFIRMED, False),
            (Stage.DECIDED, Verdict.DISMISSED, False),
            (Stage.CLOSED, None, False),
        ],
    )
    def test_merged_alerts(self, stage: Stage, verdict: Verdict | None, merged: bool):
        before = case(stage=stage, verdict=verdict)
        (one,) = see(Change.MERGED, before, case("b1"), into="b1").cases
        assert (one.stage == Stage.MERGED, one.into) == (
            (True, "b1") if merged else (stage == Stage.MERGED, "")
        )

    def test_taking_it_out_again_keeps_what_the_night_learned(self):
        before = case(opened=NOW)
        done = see(Change.MERGED, before, case("b1"), into="b1", area_ha=3.0)
        undone = decide(
            {"a1": done.cases[0], "b1": case("b1")},
            Unmerge(case="a1"),
            by=LI,
            now=NOW,
            steps={"a1": [opening(before), *done.steps]},
        )
        (one, _) = undone.cases
        assert (one.stage, one.into, one.area_ha) == (Stage.PRESCREEN, "", 3.0)

    def test_no_case_goes_on_as_itself(self):
        other = case("b1", stage=Stage.MERGED, into="c1")
        third = case("c1", stage=Stage.MERGED, into="a1")
        (one,) = see(Change.MERGED, case(), other, third, into="b1").cases
        assert one.stage == Stage.PRESCREEN

    def test_an_alert_whose_host_has_no_case_is_only_told(self):
        (one,) = see(Change.MERGED, case(), into="b1").cases
        assert one.stage == Stage.PRESCREEN


class TestHeirs:
    def test_news_of_a_merged_case_reach_the_one_that_goes_on(self):
        gone = case(stage=Stage.MERGED, into="b1")
        between = case("b1", stage=Stage.MERGED, into="c1")
        host = case("c1", stage=Stage.DECIDED, verdict=Verdict.DISMISSED)
        done = see(Change.GROWN, gone, between, host)
        assert [(c.id, c.stage) for c in done.cases] == [
            ("a1", Stage.MERGED),
            ("c1", Stage.PRESCREEN),
        ]
        assert [s.key for s in done.steps] == [
            "a1:2024-05-09:grown",
            "a1/c1:2024-05-09:grown",
        ]

    def test_news_of_a_split_case_reopen_its_ended_parts(self):
        whole = case(stage=Stage.SPLIT, geometry=TWO)
        parts = [
            case("p1", of="a1", stage=Stage.DECIDED, verdict=Verdict.DISMISSED),
            case("p2", of="a1", stage=Stage.DECIDED, verdict=Verdict.CONFIRMED),
            case("p3", of="a1", stage=Stage.CLOSED, verdict=Verdict.CONFIRMED),
        ]
        done = see(Change.REOPENED, whole, *parts)
        assert [(c.id, c.stage) for c in done.cases] == [
            ("a1", Stage.SPLIT),
            ("p1", Stage.PRESCREEN),
            ("p3", Stage.PRESCREEN),
        ]
        assert done.cases[1].geometry == SQUARE

    def test_a_damaged_record_does_not_hang_the_night(self):
        one, two = (
            case("a1", stage=Stage.MERGED, into="b1"),
            case("b1", stage=Stage.MERGED, into="a1"),
        )
        assert see(Change.GROWN, one, two).cases[0].id == "a1"


class TestVerifications:
    FOUND = Verification(
        time=NOW + timedelta(minutes=30),
        outcome=Outcome.CROP_BURNING,
        by="王护林",
        note="稻草",
    )

    def test_what_was_found_shows_up_as_a_step_and_stops_the_clock(self):
        before = case(hazard=Hazard.ACTIVE_FIRE, due=NOW + timedelta(hours=1))
        pair = (alert(hazard=Hazard.ACTIVE_FIRE), fire(self.FOUND))
        done = note_verifications([pair], {"a1": before})
        (one,), (step,) = done.cases, done.steps
        assert one.due is None
        assert one.check is not None
        assert (one.check.by, one.check.done) == ("王护林", self.FOUND.time)
        assert one.check.found == "crop-burning · 稻草"
        assert (step.act, step.by) == (Act.REPORT_CHECK, "王护林")
        assert not note_verifications([pair], {"a1": one}).steps

    def test_fires_that_nobody_looked_at_bring_nothing(self):
        pair = (alert(hazard=Hazard.ACTIVE_FIRE), fire())
        assert not note_verifications([pair], {"a1": case()}).steps
        told = (alert(hazard=Hazard.ACTIVE_FIRE), fire(self.FOUND))
        assert not note_verifications([told], {}).steps
