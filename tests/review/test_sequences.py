"""Any sequence of acts, by anybody, with nights in between, keeps the record true."""

from datetime import date, timedelta

import shapely
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from shapely import LineString
from tests.review.cases import EVERYBODY, NOW, TWO, case, opening

from agroforest.core.account import RIGHTS, Account
from agroforest.core.alert import Alert, AlertStatus, Change, Instruction
from agroforest.core.county import Counties
from agroforest.core.errors import DataError, ForbiddenError
from agroforest.core.queue import DeskChanges
from agroforest.core.review import (
    ENDED,
    REASONS,
    Act,
    Case,
    Sampling,
    Stage,
    Step,
    Verdict,
)
from agroforest.core.risk import Hazard
from agroforest.review import commands as ask
from agroforest.review.following import follow
from agroforest.review.life import decide, find_right, list_acts
from agroforest.review.rank import rank_case
from agroforest.review.replay import replay

NAMES = ("a1", "b1", "c1")
CUT = LineString([(101.9, 25.005), (102.1, 25.005)])
people = st.sampled_from(EVERYBODY)
notes = st.sampled_from(["", "因为 why"])


class Desk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        hazards = (Hazard.CANOPY_STRESS, Hazard.CANOPY_STRESS, Hazard.CANOPY_LOSS)
        self.cases: dict[str, Case] = {
            name: case(name, hazard=hazard, geometry=TWO)
            for name, hazard in zip(NAMES, hazards, strict=True)
        }
        self.steps: dict[str, list[Step]] = {
            name: [opening(one)] for name, one in self.cases.items()
        }
        self.minutes = 0
        self.covered = sum(c.area_ha for c in self.cases.values())

    def pick(self, number: int) -> str:
        return sorted(self.cases)[number % len(self.cases)]

    def ask(self, command: ask.Command, by: Account) -> bool:
        self.minutes += 1
        before = dict(self.cases)
        try:
            done = decide(
                self.cases,
                command,
                by=by,
                now=NOW + timedelta(minutes=self.minutes),
                steps=self.steps,
            )
        except (DataError, ForbiddenError):
            return False
        act = ask.ACTS[type(command)]
        right = find_right(act, before[command.case], by)
        assert right in RIGHTS[by.role]
        assert act in list_acts(before[command.case], by)
        assert len(done.deeds) == len(done.steps)
        self.keep(done)
        return True

    def keep(self, done: DeskChanges) -> None:
        for step in done.steps:
            self.steps.setdefault(step.case, []).append(step)
        self.cases.update({c.id: c for c in done.cases})

    @rule(at=st.integers(0, 20), by=people, note=notes, data=st.data())
    def act(self, at: int, by: Account, note: str, data: st.DataObject) -> None:
        name = self.pick(at)
        command = data.draw(
            st.one_of(
                st.builds(ask.Pass, case=st.just(name), note=st.just(note)),
                st.builds(
                    ask.Confirm,
                    case=st.just(name),
                    reason=st.sampled_from(REASONS[Verdict.CONFIRMED]),
                    note=st.just("seen"),
                ),
                st.builds(
                    ask.Dismiss,
                    case=st.just(name),
                    reason=st.sampled_from(REASONS[Verdict.DISMISSED]),
                    note=st.just("not so"),
                ),
                st.builds(ask.Approve, case=st.just(name), note=st.just(note)),
                st.builds(ask.Return, case=st.just(name), note=st.just(note)),
                st.builds(ask.Assign, case=st.just(name), to=st.just(by.name)),
                st.builds(ask.OrderCheck, case=st.just(name), to=st.just(by.name)),
                st.builds(ask.ReportCheck, case=st.just(name), found=st.just("fine")),
                st.builds(
                    ask.Sample,
                    case=st.just(name),
                    to=st.sampled_from(Sampling),
                    positive=st.sampled_from([None, True, False]),
                ),
                st.builds(ask.Note, case=st.just(name), note=st.just(note)),
                st.builds(
                    ask.Merge,
                    case=st.just(name),
                    others=st.sets(
                        st.sampled_from(sorted(self.cases)), min_size=1, max_size=2
                    ).map(lambda found: tuple(sorted(found))),
                ),
                st.builds(ask.Unmerge, case=st.just(name)),
                st.builds(
                    ask.Split, case=st.just(name), line=st.sampled_from([None, CUT])
                ),
                st.builds(ask.Unsplit, case=st.just(name)),
                st.builds(ask.Close, case=st.just(name), note=st.just(note)),
                st.builds(ask.Reopen, case=st.just(name), note=st.just(note)),
            )
        )
        self.ask(command, by)

    @rule(
        name=st.sampled_from(NAMES),
        what=st.sampled_from(Change),
        into=st.sampled_from(NAMES),
    )
    def night(self, name: str, what: Change, into: str) -> None:
        self.minutes += 1
        night = date(2024, 5, 3) + timedelta(days=self.minutes)
        one = self.cases[name]
        instruction = Instruction(
            alert=name,
            night=night,
            change=what,
            area_ha=one.area_ha,
            into=into if what == Change.MERGED and into != name else None,
        )
        alert = Alert(
            id=name,
            pipeline="demo",
            hazard=one.hazard,
            model="m",
            status=AlertStatus.OPEN,
            geometry=one.geometry,
            area_ha=one.area_ha,
            reported_area_ha=one.area_ha,
            probability=one.probability,
            first_night=one.first_night,
            last_night=night,
            since=one.first_night,
            evidence=night,
            changed=night,
        )
        done = follow([(instruction, alert, None)], self.cases, Counties())
        assert done.steps[0].key == instruction.key
        self.keep(done)

    @precondition(lambda self: len(self.cases) > 1)
    @rule(at=st.integers(0, 20), other=st.integers(0, 20), by=people)
    def merge_and_take_it_back(self, at: int, other: int, by: Account) -> None:
        host, guest = self.pick(at), self.pick(other)
        before = self.cases[guest]
        if self.ask(ask.Merge(case=host, others=(guest,)), by):
            assert self.ask(ask.Unmerge(case=guest), by)
            after = self.cases[guest]
            assert after == before.patch(version=after.version, changed=after.changed)

    @rule(at=st.integers(0, 20), by=people)
    def split_and_join_again(self, at: int, by: Account) -> None:
        name = self.pick(at)
        before = self.cases[name]
        if len(self.cases) < 12 and self.ask(ask.Split(case=name), by):
            parts = [c for c in self.cases.values() if c.of == name and c.waiting]
            assert abs(sum(p.area_ha for p in parts) - before.area_ha) < 1e-9
            assert self.ask(ask.Unsplit(case=name), by)
            after = self.cases[name]
            assert after == before.patch(version=after.version, changed=after.changed)

    @invariant()
    def a_version_is_the_number_of_steps(self) -> None:
        assert self.cases.keys() == self.steps.keys()
        for name, one in self.cases.items():
            numbers = [s.number for s in self.steps[name]]
            assert numbers == list(range(1, one.version + 1))

    @invariant()
    def the_steps_give_the_case_again(self) -> None:
        for name, one in self.cases.items():
            assert replay(self.steps[name], one.geometry) == one
            assert one.rank == rank_case(one)

    @invariant()
    def nobody_approved_their_own_verdict(self) -> None:
        for steps in self.steps.values():
            judge = ""
            for step in steps:
                if step.act in {Act.CONFIRM, Act.DISMISS}:
                    judge = step.by
                assert step.act != Act.APPROVE or step.by != judge

    @invariant()
    def no_case_is_lost(self) -> None:
        """Whatever was merged or split can be followed to a case that goes on."""
        for one in self.cases.values():
            way = [one.id]
            while self.cases[way[-1]].stage == Stage.MERGED:
                into = self.cases[way[-1]].into
                assert into not in way
                way.append(into)
            last = self.cases[way[-1]]
            if last.stage == Stage.SPLIT:
                parts = [c for c in self.cases.values() if c.of == last.id]
                whole = shapely.union_all([p.geometry for p in parts])
                assert last.geometry.difference(whole).area < 1e-12

    @invariant()
    def a_verdict_waits_for_a_second_person(self) -> None:
        for one in self.cases.values():
            if one.stage in {Stage.SUPERVISOR, Stage.DECIDED}:
                assert one.verdict is not None
                assert one.reason is not None
                assert one.judged_by
            if one.stage in ENDED:
                assert one.rank == 0


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
