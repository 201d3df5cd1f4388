from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry.base import BaseGeometry
from tests.review.cases import CHEN, GUEST, LI, NOW, TWO, case, later
from tests.review.test_following import NIGHT, alert, change, fire

from agroforest.core.account import Account, Role
from agroforest.core.alert import Change
from agroforest.core.county import Counties
from agroforest.core.errors import ConflictError, DataError, ForbiddenError
from agroforest.core.fire import Outcome, Verification
from agroforest.core.message import News
from agroforest.core.review import Act, FieldCheck, Reason, Stage, Step, Verdict
from agroforest.core.risk import Hazard
from agroforest.desk import work
from agroforest.desk.bureau import Bureau
from agroforest.desk.settings import DeskSettings
from agroforest.desk.work import act, follow
from agroforest.notify.events import find_events
from agroforest.review import commands as ask
from agroforest.review.commands import ACTS
from agroforest.store import Store, open_store

BUREAU = Bureau()


def record(store: Store, *names: str, **fields: Any) -> None:
    store.record_night(
        alerts=[alert(name, **fields) for name in names],
        instructions=[change(Change.NEW, name) for name in names],
    )


def stages(store: Store) -> Mapping[str, Stage]:
    found = store.desk.cases(["a1", "b1", "c1"])
    return {name: one.stage for name, one in found.items()}


class TestFollowing:
    def test_a_night_is_followed_once(self, store: Store):
        record(store, "a1", "b1")
        assert follow(store, BUREAU) == 2
        assert stages(store) == {"a1": Stage.PRESCREEN, "b1": Stage.PRESCREEN}
        assert follow(store, BUREAU) == 0
        (step,) = store.desk.steps("a1")
        assert step.time == datetime(2024, 5, 2, tzinfo=UTC)

    def test_what_was_interrupted_is_healed(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ):
        class Interrupted(Counties):
            asked = 0

            def locate(self, geometry: BaseGeometry) -> tuple[str, str, str]:
                self.asked += 1
                if self.asked == 4:
                    raise KeyboardInterrupt
                return super().locate(geometry)

        monkeypatch.setattr(work, "_AT_ONCE", 2)
        names = [f"a{n}" for n in range(7)]
        record(store, *names)
        with pytest.raises(KeyboardInterrupt):
            follow(store, Bureau(counties=Interrupted()))
        assert len(store.desk.cases(names)) == 2
        assert follow(store, BUREAU) == 5
        assert all(len(store.desk.steps(name)) == 1 for name in names)

    def test_several_at_once_follow_each_change_once(
        self, store: Store, place: str | Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(work, "_AT_ONCE", 3)
        names = [f"a{n}" for n in range(20)]
        record(store, *names)

        def one(_: int) -> None:
            with open_store(place) as mine:
                follow(mine, BUREAU)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, range(4)))
        follow(store, BUREAU)
        assert [len(store.desk.steps(name)) for name in names] == [1] * 20

    def test_a_night_that_merged_alerts_merges_their_cases(self, store: Store):
        record(store, "a1", "b1")
        follow(store, BUREAU)
        night = NIGHT + timedelta(days=3)
        store.record_night(
            instructions=[change(Change.MERGED, "b1", night=night, into="a1")]
        )
        follow(store, BUREAU)
        assert stages(store) == {"a1": Stage.PRESCREEN, "b1": Stage.MERGED}

    def test_news_of_a_merged_case_reach_the_one_that_goes_on(self, store: Store):
        record(store, "a1", "b1", "c1")
        follow(store, BUREAU)
        act(store, BUREAU, ask.Merge(case="b1", others=("a1",)), LI, now=NOW)
        act(store, BUREAU, ask.Merge(case="c1", others=("b1",)), LI, now=NOW)
        dismissed = ask.Dismiss(case="c1", reason=Reason.SHADOW)
        act(store, BUREAU, dismissed, LI, now=NOW)
        act(store, BUREAU, ask.Approve(case="c1"), CHEN, now=NOW)
        night = NIGHT + timedelta(days=3)
        store.record_night(instructions=[change(Change.GROWN, "a1", night=night)])
        assert follow(store, BUREAU, later(10)) == 2
        assert stages(store)["c1"] == Stage.PRESCREEN

    def test_what_was_found_at_a_fire_is_followed_once(self, store: Store):
        store.record_night(
            alerts=[alert(hazard=Hazard.ACTIVE_FIRE)],
            instructions=[change(Change.NEW)],
            fires=[fire()],
        )
        bureau = Bureau(pipelines={"demo": None})  # type: ignore[dict-item]
        assert follow(store, bureau, NOW) == 1
        before = store.desk.case("a1")
        assert before is not None
        assert before.due == NOW + timedelta(hours=1)
        found = Verification(time=later(20), outcome=Outcome.NOTHING, by="王护林")
        store.verify("a1", found)
        assert follow(store, bureau, later(30)) == 1
        assert follow(store, bureau, later(40)) == 0
        after = store.desk.case("a1")
        assert after is not None
        assert after.due is None
        # Somebody is sent again: what was found before does not come back.
        act(store, bureau, ask.OrderCheck(case="a1", to="li"), LI, now=later(50))
        assert follow(store, bureau, later(60)) == 0


class TestActing:
    def test_an_act_is_recorded_with_its_step_and_its_deed(self, store: Store):
        record(store, "a1")
        follow(store, BUREAU)
        done = act(store, BUREAU, ask.Pass(case="a1"), LI, now=NOW, seen={"a1": 1})
        assert stages(store) == {"a1": Stage.VERDICT}
        assert [s.act for s in store.desk.steps("a1")] == [Act.OPEN, Act.PASS]
        (sealed,) = store.desk.deeds(subject="a1")
        assert sealed.entry == done.deeds[0]
        assert store.desk.check_audit() == 1

    def test_the_second_of_two_hears_what_the_first_did(self, store: Store):
        record(store, "a1")
        follow(store, BUREAU)
        act(store, BUREAU, ask.Pass(case="a1"), LI, now=NOW, seen={"a1": 1})
        dismiss = ask.Dismiss(case="a1", reason=Reason.CLOUD)
        with pytest.raises(ConflictError, match="li: pass"):
            act(store, BUREAU, dismiss, CHEN, now=NOW, seen={"a1": 1})
        assert stages(store) == {"a1": Stage.VERDICT}

    def test_of_many_at_once_one_wins(self, store: Store, place: str | Path):
        record(store, "a1")
        follow(store, BUREAU)

        def one(number: int) -> bool:
            passed = ask.Pass(case="a1", note=f"{number}")
            with open_store(place) as mine:
                try:
                    act(mine, BUREAU, passed, LI, now=NOW, seen={"a1": 1})
                except ConflictError:
                    return False
                return True

        with ThreadPoolExecutor(6) as pool:
            won = list(pool.map(one, range(6)))
        assert won.count(True) == 1
        assert [s.note for s in store.desk.steps("a1")[1:]] == [f"{won.index(True)}"]
        assert store.desk.check_audit() == 1

    def test_a_refused_act_leaves_no_trace(self, store: Store):
        record(store, "a1")
        follow(store, BUREAU)
        with pytest.raises(ForbiddenError):
            act(store, BUREAU, ask.Pass(case="a1"), GUEST, now=NOW)
        with pytest.raises(DataError, match="case z9"):
            act(store, BUREAU, ask.Pass(case="z9"), LI, now=NOW)
        with pytest.raises(DataError, match="case z9"):
            act(store, BUREAU, ask.Unmerge(case="z9"), LI, now=NOW)
        assert store.desk.check_audit() == 0
        assert len(store.desk.steps("a1")) == 1

    def test_a_wrong_merge_is_taken_back(self, store: Store):
        record(store, "a1", "b1")
        follow(store, BUREAU)
        before = store.desk.case("b1")
        assert before is not None
        act(store, BUREAU, ask.Merge(case="a1", others=("b1",)), LI, now=NOW)
        assert stages(store)["b1"] == Stage.MERGED
        act(store, BUREAU, ask.Unmerge(case="b1"), CHEN, now=later(1))
        after = store.desk.case("b1")
        assert after == before.patch(version=3, changed=later(1))

    def test_a_split_is_taken_back_and_done_again(self, store: Store):
        record(store, "a1", geometry=TWO)
        follow(store, BUREAU)
        for turn in range(2):
            act(store, BUREAU, ask.Split(case="a1"), LI, now=later(turn))
            parts = [p for p in store.desk.parts("a1") if p.waiting]
            assert [round(p.area_ha, 6) for p in parts].count(0.5) == 1
            assert len(parts) == 2
            act(store, BUREAU, ask.Unsplit(case="a1"), LI, now=later(turn))
            assert stages(store) == {"a1": Stage.PRESCREEN}
        assert len(store.desk.parts("a1")) == 4

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            (ask.Assign(case="a1", to="nobody"), "is not known"),
            (ask.Assign(case="a1", to="gone"), "is disabled"),
            (ask.Assign(case="a1", to="guest"), "cannot judge"),
            (ask.OrderCheck(case="a1", to="nobody"), "is not known"),
        ],
    )
    def test_who_is_named_must_be_able_to_act(
        self, store: Store, command: ask.Command, said: str
    ):
        store.desk.add_account(LI.patch(name="gone", disabled=True))
        record(store, "a1")
        follow(store, BUREAU)
        with pytest.raises(DataError, match=said):
            act(store, BUREAU, command, LI, now=NOW)
        cleared = act(store, BUREAU, ask.Assign(case="a1", to=""), LI, now=NOW)
        assert cleared.cases[0].assignee == ""


class TestTelling:
    BUREAU = Bureau(
        settings=DeskSettings.model_validate(
            {
                "notify": {
                    "channels": {
                        "post": {
                            "kind": "mail",
                            "url_env": "POST",
                            "sender": "a@b.cn",
                        }
                    }
                }
            }
        ),
        places={"p1": ("一小班", "Stand 1")},
    )

    def reader(self, store: Store) -> Account:
        wu = Account(
            name="wu",
            title="吴",
            role=Role.SUPERVISOR,
            created=NOW,
            contacts={"post": "wu@b.cn"},
        )
        store.desk.add_account(wu)
        return wu

    def test_messages_are_recorded_with_what_they_are_about(self, store: Store):
        wu = self.reader(store)
        record(store, "a1")
        follow(store, self.BUREAU)
        (raised,) = store.desk.messages()
        assert (raised.news, raised.account, raised.subject) == (
            *(News.RAISED, "wu", "a1"),
        )
        assert raised.facts["places"] == [{"id": "p1", "name": ["一小班", "Stand 1"]}]
        dismissed = ask.Dismiss(case="a1", reason=Reason.HARVEST)
        act(store, self.BUREAU, dismissed, LI, now=NOW)
        act(store, self.BUREAU, ask.Approve(case="a1"), wu, now=NOW)
        assert {m.news for m in store.desk.messages()} == {News.RAISED, News.CANCELLED}

    @pytest.mark.parametrize("stage", Stage)
    @pytest.mark.parametrize("hazard", Hazard)
    def test_acts_that_are_no_news_are_told_to_nobody(
        self, stage: Stage, hazard: Hazard
    ):
        """What `act` does not read for must be what nobody is told of."""
        told = {ACTS[kind] for kind in work.NEWS}
        for act_ in set(ACTS.values()) - told:
            for verdict in (None, *Verdict):
                check = FieldCheck(by="li", ordered=NOW)
                one = case(stage=stage, hazard=hazard, verdict=verdict, check=check)
                step = Step(case="a1", number=2, time=NOW, by="li", act=act_)
                assert find_events([step], {"a1": one}, lambda _: {}) == ()

    def test_nobody_is_told_of_nights_long_ago(self, store: Store):
        self.reader(store)
        record(store, "a1")
        assert follow(store, self.BUREAU, NOW + timedelta(days=30)) == 1
        assert store.desk.messages() == []

    def test_last_nights_alerts_are_told(self, store: Store):
        self.reader(store)
        record(store, "a1")
        follow(store, self.BUREAU, NOW)
        assert len(store.desk.messages()) == 1

    def test_what_a_message_says_of_a_fire(self, store: Store):
        self.reader(store)
        store.record_night(
            alerts=[alert(hazard=Hazard.ACTIVE_FIRE)],
            instructions=[change(Change.NEW)],
            fires=[fire()],
        )
        follow(store, self.BUREAU, NOW)
        (raised,) = store.desk.messages()
        assert raised.urgent
        assert raised.facts["detections"] == 2
        act(store, self.BUREAU, ask.Pass(case="a1"), LI, now=NOW)
        confirmed = ask.Confirm(case="a1", reason=Reason.REPORTED)
        act(store, self.BUREAU, confirmed, LI, now=NOW)
        told = {m.news: m for m in store.desk.messages()}
        assert told[News.CONFIRMED].facts["detections"] == 2


def test_unknown_dates_do_not_matter_to_nights_of_the_past(store: Store):
    record(store, "a1", first_night=date(2020, 1, 1))
    assert follow(store, BUREAU) == 1
