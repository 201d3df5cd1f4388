from collections.abc import Sequence
from datetime import date

import pytest
from shapely import LineString, union_all
from tests.review.cases import (
    CHEN,
    FARMER,
    GUEST,
    LI,
    NOW,
    ROOT,
    SQUARE,
    TWO,
    WANG,
    ZHAO,
    account,
    case,
    later,
    opening,
)

from agroforest.core.account import Account
from agroforest.core.errors import DataError, ForbiddenError
from agroforest.core.queue import DeskChanges
from agroforest.core.review import (
    REASONS,
    Act,
    Case,
    FieldCheck,
    Reason,
    Sampling,
    Stage,
    Step,
    Verdict,
)
from agroforest.core.risk import Hazard
from agroforest.review import commands as ask
from agroforest.review.life import STAGES, decide, list_acts
from agroforest.review.sitting import _WAY_ON


def run(
    command: ask.Command,
    *cases: Case,
    by: Account = LI,
    steps: Sequence[Step] = (),
) -> DeskChanges:
    known = {c.id: c for c in cases}
    told = {name: [s for s in steps if s.case == name] for name in known}
    return decide(known, command, by=by, now=later(5), steps=told)


def after(command: ask.Command, *cases: Case, by: Account = LI) -> Case:
    return run(command, *cases, by=by).cases[0]


def command(act: Act, name: str = "a1") -> ask.Command:
    """Build a command for each act that is well formed whatever the case."""
    made: dict[Act, ask.Command] = {
        Act.PASS: ask.Pass(case=name),
        Act.CONFIRM: ask.Confirm(case=name, reason=Reason.SEEN_IN_IMAGES),
        Act.DISMISS: ask.Dismiss(case=name, reason=Reason.CLOUD),
        Act.APPROVE: ask.Approve(case=name),
        Act.RETURN: ask.Return(case=name, note="look again"),
        Act.ASSIGN: ask.Assign(case=name, to="wang"),
        Act.ORDER_CHECK: ask.OrderCheck(case=name, to="wang"),
        Act.REPORT_CHECK: ask.ReportCheck(case=name, found="stumps"),
        Act.SAMPLE: ask.Sample(case=name, to=Sampling.SAMPLED),
        Act.NOTE: ask.Note(case=name, note="asked the owner"),
        Act.MERGE: ask.Merge(case=name, others=("b1",)),
        Act.UNMERGE: ask.Unmerge(case=name),
        Act.SPLIT: ask.Split(case=name),
        Act.UNSPLIT: ask.Unsplit(case=name),
        Act.CLOSE: ask.Close(case=name, note="done"),
        Act.REOPEN: ask.Reopen(case=name, note="seen again"),
    }
    return made[act]


class TestThreeStages:
    def test_a_case_goes_from_pre_screen_to_a_verdict_that_somebody_approves(self):
        one = after(ask.Pass(case="a1"), case())
        assert (one.stage, one.version, one.changed) == (Stage.VERDICT, 2, later(5))
        one = after(ask.Confirm(case="a1", reason=Reason.SEEN_IN_IMAGES), one)
        assert one.stage == Stage.SUPERVISOR
        assert (one.verdict, one.reason, one.judged_by) == (
            Verdict.CONFIRMED,
            Reason.SEEN_IN_IMAGES,
            "li",
        )
        one = after(ask.Approve(case="a1"), one, by=CHEN)
        assert one.stage == Stage.DECIDED
        one = after(ask.Close(case="a1"), one, by=CHEN)
        assert (one.stage, one.rank, one.version) == (Stage.CLOSED, 0.0, 5)
        one = after(ask.Reopen(case="a1", note="again"), one, by=CHEN)
        assert one.stage == Stage.VERDICT
        assert one.rank > 0

    def test_a_case_is_dismissed_from_pre_screen(self):
        one = after(ask.Dismiss(case="a1", reason=Reason.CLOUD), case())
        assert (one.stage, one.verdict) == (Stage.SUPERVISOR, Verdict.DISMISSED)

    def test_a_returned_verdict_is_given_again(self):
        one = case(stage=Stage.SUPERVISOR, verdict=Verdict.DISMISSED, judged_by="li")
        one = after(ask.Return(case="a1", note="no cloud there"), one, by=CHEN)
        assert one.stage == Stage.VERDICT

    def test_who_gave_a_verdict_may_take_it_back_and_nobody_elses(self):
        one = case(stage=Stage.SUPERVISOR, verdict=Verdict.DISMISSED, judged_by="li")
        back = ask.Return(case="a1", note="按错了")
        assert after(back, one, by=LI).stage == Stage.VERDICT
        assert Act.RETURN in list_acts(one, LI)
        with pytest.raises(ForbiddenError, match="cases:supervise"):
            run(back, one, by=WANG)
        assert Act.RETURN not in list_acts(one, WANG)
        with pytest.raises(ForbiddenError):
            run(back, one.patch(judged_by="guest"), by=GUEST)

    def test_nobody_approves_their_own_verdict_not_even_an_admin(self):
        one = case(stage=Stage.SUPERVISOR, verdict=Verdict.CONFIRMED, judged_by="root")
        with pytest.raises(ForbiddenError, match="gave the verdict on case a1"):
            run(ask.Approve(case="a1"), one, by=ROOT)
        assert Act.APPROVE not in list_acts(one, ROOT)
        assert Act.APPROVE in list_acts(one, CHEN)

    def test_approval_takes_the_pressure_away(self):
        one = case(stage=Stage.SUPERVISOR, judged_by="li", due=later(60))
        assert after(ask.Approve(case="a1"), one, by=CHEN).due is None

    @pytest.mark.parametrize("act", STAGES)
    @pytest.mark.parametrize("stage", Stage)
    def test_an_act_at_a_wrong_stage_is_refused_with_the_way_on(
        self, stage: Stage, act: Act
    ):
        if stage in STAGES[act]:
            return
        one = case(stage=stage, into="z9", judged_by="wang")
        with pytest.raises(DataError) as caught:
            run(command(act), one, case("b1"), by=ROOT)
        assert caught.value.problem == f"is at {stage}, where it cannot be done: {act}"
        assert caught.value.remedy == _WAY_ON[stage].format(into="z9")

    def test_a_case_that_is_not_on_record_is_refused(self):
        with pytest.raises(DataError, match="case a1: is not on record"):
            run(ask.Pass(case="a1"))


class TestRights:
    @pytest.mark.parametrize("act", STAGES)
    @pytest.mark.parametrize("who", [GUEST, FARMER])
    def test_who_may_only_look_may_do_nothing(self, who: Account, act: Act):
        with pytest.raises(ForbiddenError, match=f"may not {act}"):
            run(command(act), case(), by=who)
        assert list_acts(case(), who) == ()

    @pytest.mark.parametrize("act", [Act.APPROVE, Act.RETURN, Act.CLOSE, Act.REOPEN])
    def test_a_reviewer_does_not_supervise(self, act: Act):
        with pytest.raises(ForbiddenError, match="cases:supervise"):
            run(command(act), case(stage=Stage.SUPERVISOR), by=LI)

    def test_a_disabled_account_may_do_nothing(self):
        with pytest.raises(ForbiddenError, match="is disabled"):
            run(ask.Pass(case="a1"), case(), by=ROOT.patch(disabled=True))

    def test_what_is_offered_can_be_done(self):
        for stage in Stage:
            one = case(stage=stage, judged_by="wang", geometry=TWO, into="z9")
            for act in list_acts(one, ROOT):
                if act in {Act.UNMERGE, Act.UNSPLIT}:
                    continue  # need steps
                assert run(command(act), one, case("b1"), by=ROOT).steps


class TestReasons:
    @pytest.mark.parametrize("reason", REASONS[Verdict.DISMISSED])
    def test_a_reason_for_dismissal_confirms_nothing_but_other(self, reason: Reason):
        assert ask.Dismiss(case="a1", reason=reason, note="why").reason == reason
        if reason != Reason.OTHER:
            with pytest.raises(DataError, match="no reason for confirmed"):
                ask.Confirm(case="a1", reason=reason)

    def test_other_needs_a_note(self):
        with pytest.raises(DataError, match="add a note"):
            ask.Dismiss(case="a1", reason=Reason.OTHER, note="  ")

    @pytest.mark.parametrize(
        "empty",
        [
            ask.Return(case="a1"),
            ask.Reopen(case="a1"),
            ask.Note(case="a1", note=" \n"),
        ],
    )
    def test_some_acts_need_a_note(self, empty: ask.Command):
        stage = Stage.CLOSED if isinstance(empty, ask.Reopen) else Stage.SUPERVISOR
        with pytest.raises(DataError, match="the note is empty"):
            run(empty, case(stage=stage, judged_by="li"), by=CHEN)

    @pytest.mark.parametrize(
        ("note", "problem"),
        [
            ("x" * 2001, "2001 characters"),
            ("a\x00b", "'\\\\x00'"),
            ("a\x1b[31m", "'\\\\x1b'"),
            ("\ud800", "ud800"),
        ],
    )
    def test_a_note_that_cannot_be_kept_is_refused(self, note: str, problem: str):
        with pytest.raises(DataError, match=problem):
            ask.Note(case="a1", note=note)

    def test_lines_and_chinese_are_fine(self):
        assert ask.Note(case="a1", note="第一行\n第二行\t完").note


class TestRecord:
    def test_a_step_and_a_deed_say_what_changed(self):
        done = run(ask.Dismiss(case="a1", reason=Reason.OTHER, note="a quarry"), case())
        (step,), (deed,) = done.steps, done.deeds
        assert (step.case, step.number, step.by, step.act) == (
            *("a1", 2, "li"),
            Act.DISMISS,
        )
        assert step.reason == Reason.OTHER
        assert step.data["before"]["stage"] == "pre-screen"
        assert step.data["after"]["stage"] == "supervisor"
        assert (deed.who, deed.what, deed.subject) == ("li", "case.dismiss", "a1")
        assert deed.why == "other · a quarry"
        assert deed.after == step.data["after"]
        assert done.messages == ()


class TestSampling:
    def test_confirmed_stress_orders_samples_and_names_no_cause(self):
        one = case(hazard=Hazard.CANOPY_STRESS, stage=Stage.VERDICT)
        one = after(ask.Confirm(case="a1", reason=Reason.SEEN_IN_IMAGES), one)
        assert one.sampling == Sampling.SUSPECT
        assert one.check == FieldCheck(by="li", ordered=later(5), sample=True)

    def test_whoever_is_responsible_takes_the_samples(self):
        one = case(hazard=Hazard.CANOPY_STRESS, stage=Stage.VERDICT, assignee="wang")
        one = after(ask.Confirm(case="a1", reason=Reason.REPORTED), one)
        assert one.check is not None
        assert one.check.by == "wang"

    def test_whoever_is_on_the_way_takes_the_samples(self):
        sent = FieldCheck(by="zhao", ordered=NOW, due=date(2024, 5, 9))
        one = case(
            hazard=Hazard.CANOPY_STRESS,
            stage=Stage.VERDICT,
            assignee="wang",
            check=sent,
        )
        one = after(ask.Confirm(case="a1", reason=Reason.REPORTED), one)
        assert one.check == FieldCheck(
            by="zhao", ordered=later(5), due=date(2024, 5, 9), sample=True
        )

    @pytest.mark.parametrize("at", Sampling)
    def test_confirmed_again_a_suspicion_goes_on_or_begins_anew(self, at: Sampling):
        one = suspected(at).patch(stage=Stage.VERDICT)
        one = after(ask.Confirm(case="a1", reason=Reason.REPORTED), one)
        ended = at == Sampling.STUMP_CHECKED
        assert one.sampling == (Sampling.SUSPECT if ended else at)

    def test_other_hazards_have_no_samples(self):
        one = after(
            ask.Confirm(case="a1", reason=Reason.REPORTED), case(stage=Stage.VERDICT)
        )
        assert (one.sampling, one.check) == (None, None)

    def test_a_returned_confirmation_wants_no_samples_any_more(self):
        one = case(hazard=Hazard.CANOPY_STRESS, stage=Stage.VERDICT)
        one = after(ask.Confirm(case="a1", reason=Reason.REPORTED), one)
        one = after(ask.Return(case="a1", note="drought year"), one, by=CHEN)
        assert (one.sampling, one.check) == (None, None)

    def test_samples_that_were_taken_stay_on_record(self):
        one = case(
            hazard=Hazard.CANOPY_STRESS,
            stage=Stage.SUPERVISOR,
            sampling=Sampling.SAMPLED,
            judged_by="li",
        )
        one = after(ask.Return(case="a1", note="drought year"), one, by=CHEN)
        assert one.sampling == Sampling.SAMPLED

    def test_the_life_of_a_suspicion(self):
        one = suspected()
        for to, positive in (
            (Sampling.SAMPLED, None),
            (Sampling.LABORATORY, True),
            (Sampling.FELLED, None),
            (Sampling.STUMP_CHECKED, None),
        ):
            one = after(ask.Sample(case="a1", to=to, positive=positive), one)
            assert one.sampling == to
        with pytest.raises(DataError, match="the stump was checked"):
            run(ask.Sample(case="a1", to=Sampling.SAMPLED), one)

    def test_a_negative_answer_ends_it(self):
        one = suspected(Sampling.SAMPLED)
        done = run(ask.Sample(case="a1", to=Sampling.LABORATORY, positive=False), one)
        assert done.cases[0].sampling is None
        assert done.steps[0].data["laboratory"] == "negative"
        with pytest.raises(DataError, match="no suspicion"):
            run(ask.Sample(case="a1", to=Sampling.FELLED), done.cases[0])

    @pytest.mark.parametrize("at", Sampling)
    @pytest.mark.parametrize("to", Sampling)
    def test_no_step_is_left_out(self, at: Sampling, to: Sampling):
        order = list(Sampling)
        positive = True if to == Sampling.LABORATORY else None
        ask_for = ask.Sample(case="a1", to=to, positive=positive)
        if order.index(to) == order.index(at) + 1:
            assert after(ask_for, suspected(at)).sampling == to
            return
        with pytest.raises(DataError):
            run(ask_for, suspected(at))

    @pytest.mark.parametrize(
        ("at", "to", "positive"),
        [
            (Sampling.SAMPLED, Sampling.LABORATORY, None),
            (Sampling.SUSPECT, Sampling.SAMPLED, True),
        ],
    )
    def test_the_answer_belongs_to_the_laboratory(
        self, at: Sampling, to: Sampling, positive: bool | None
    ):
        with pytest.raises(DataError, match="answer"):
            run(ask.Sample(case="a1", to=to, positive=positive), suspected(at))


class TestFieldCheck:
    def test_somebody_is_sent_and_reports(self):
        one = after(
            ask.OrderCheck(case="a1", to="wang", due=date(2024, 5, 9)),
            case(due=later(60)),
        )
        assert one.check == FieldCheck(
            by="wang", ordered=later(5), due=date(2024, 5, 9)
        )
        one = after(ask.ReportCheck(case="a1", found="a kiln"), one, by=WANG)
        assert one.check is not None
        assert (one.check.done, one.check.found) == (later(5), "a kiln")
        assert one.due is None

    def test_nobody_reports_who_was_not_sent(self):
        with pytest.raises(DataError, match="order a field check first"):
            run(ask.ReportCheck(case="a1", found="a kiln"), case())

    @pytest.mark.parametrize("to", ["", " "])
    def test_somebody_must_go(self, to: str):
        with pytest.raises(DataError, match="say who shall go"):
            ask.OrderCheck(case="a1", to=to)

    def test_closing_with_field_work_unfinished_needs_a_word(self):
        one = case(stage=Stage.DECIDED, check=FieldCheck(by="wang", ordered=NOW))
        with pytest.raises(DataError, match="left unfinished"):
            run(ask.Close(case="a1"), one, by=CHEN)
        told = ask.Close(case="a1", note="road is gone")
        assert after(told, one, by=CHEN).stage == Stage.CLOSED


class TestMerging:
    def test_merged_cases_go_on_as_another_and_come_back_as_they_were(self):
        host, guest = case("a1"), case("b1", assignee="wang", probability=None)
        done = run(ask.Merge(case="a1", others=("b1",)), host, guest)
        host, gone = done.cases
        assert (gone.stage, gone.into, gone.rank) == (Stage.MERGED, "a1", 0.0)
        assert [s.data.get("took") for s in done.steps] == [["b1"], None]
        undone = run(
            ask.Unmerge(case="b1"),
            gone,
            host,
            steps=[opening(guest), done.steps[1]],
        )
        back = undone.cases[0]
        assert back == guest.patch(version=3, changed=later(5))
        assert undone.cases[1].id == "a1"

    def test_different_hazards_do_not_merge(self):
        with pytest.raises(DataError, match="one hazard only"):
            run(
                ask.Merge(case="a1", others=("b1",)),
                case(),
                case("b1", hazard=Hazard.ACTIVE_FIRE),
            )

    @pytest.mark.parametrize("stage", [Stage.CLOSED, Stage.MERGED, Stage.SPLIT])
    def test_ended_cases_do_not_merge(self, stage: Stage):
        with pytest.raises(DataError, match=f"case b1: is at {stage}"):
            run(
                ask.Merge(case="a1", others=("b1",)),
                case(),
                case("b1", stage=stage, into="z9"),
            )

    @pytest.mark.parametrize("others", [(), ("a1",)])
    def test_there_must_be_another(self, others: tuple[str, ...]):
        with pytest.raises(DataError):
            run(ask.Merge(case="a1", others=others), case())

    def test_one_named_twice_is_merged_once(self):
        done = run(ask.Merge(case="a1", others=("b1", "b1")), case(), case("b1"))
        assert [c.id for c in done.cases] == ["a1", "b1"]


class TestSplitting:
    def test_the_pieces_become_cases_that_cover_the_whole(self):
        whole = case(geometry=TWO, assignee="wang")
        done = run(ask.Split(case="a1"), whole)
        first, *parts = done.cases
        assert first.stage == Stage.SPLIT
        assert union_all([p.geometry for p in parts]).equals(TWO)
        assert [round(p.area_ha, 6) for p in parts] == [0.5, 1.5]
        assert {(p.of, p.alert, p.stage, p.version, p.assignee) for p in parts} == {
            ("a1", "a1", Stage.PRESCREEN, 1, "wang")
        }
        assert len({p.id for p in parts}) == 2
        assert [s.number for s in done.steps] == [2, 1, 1]

    def test_a_line_cuts_one_piece(self):
        line = LineString([(101.9, 25.005), (102.1, 25.005)])
        done = run(ask.Split(case="a1", line=line), case())
        assert [round(c.area_ha, 6) for c in done.cases[1:]] == [1.0, 1.0]

    def test_a_line_makes_two_sides_of_many_pieces(self):
        line = LineString([(101.9, 25.005), (102.1, 25.005)])
        done = run(ask.Split(case="a1", line=line), case(geometry=TWO))
        assert [round(c.area_ha, 6) for c in done.cases[1:]] == [1.0, 1.0]

    @pytest.mark.parametrize(
        "line",
        [
            None,
            LineString([(0, 0), (1, 1)]),
            LineString([(102, 25), (102, 25)]),
            LineString([(500_000, 2_800_000), (500_100, 2_800_000)]),
        ],
    )
    def test_what_does_not_cut_is_refused(self, line: LineString | None):
        with pytest.raises(DataError):
            run(ask.Split(case="a1", line=line), case(geometry=SQUARE))

    def test_joined_again_it_is_what_it_was(self):
        whole = case(geometry=TWO)
        done = run(ask.Split(case="a1"), whole)
        joined = run(
            ask.Unsplit(case="a1"),
            *done.cases,
            steps=[opening(whole), *done.steps],
        )
        assert joined.cases[0] == whole.patch(version=3, changed=later(5))
        assert {(p.stage, p.into) for p in joined.cases[1:]} == {(Stage.MERGED, "a1")}

    def test_a_part_that_was_joined_again_is_not_unmerged(self):
        part = case("p1", stage=Stage.MERGED, into="a1", of="a1")
        with pytest.raises(DataError, match="split case a1 again"):
            run(ask.Unmerge(case="p1"), part, case())
        assert Act.UNMERGE not in list_acts(part, LI)

    @pytest.mark.parametrize(
        "stage", [Stage.DECIDED, Stage.CLOSED, Stage.SPLIT, Stage.MERGED]
    )
    def test_a_part_that_has_ended_stands_in_the_way(self, stage: Stage):
        whole = case(geometry=TWO)
        done = run(ask.Split(case="a1"), whole)
        first, second, third = done.cases
        with pytest.raises(DataError, match="cannot be joined again"):
            run(
                ask.Unsplit(case="a1"),
                first,
                second,
                third.patch(stage=stage, into="z9"),
                steps=[opening(whole), *done.steps],
            )


def suspected(at: Sampling = Sampling.SUSPECT) -> Case:
    return case(
        hazard=Hazard.CANOPY_STRESS,
        stage=Stage.DECIDED,
        verdict=Verdict.CONFIRMED,
        judged_by="li",
        sampling=at,
    )


def test_two_supervisors_can_work_each_others_verdicts():
    one = case(stage=Stage.VERDICT)
    one = after(ask.Confirm(case="a1", reason=Reason.REPORTED), one, by=ZHAO)
    assert after(ask.Approve(case="a1"), one, by=CHEN).stage == Stage.DECIDED


def test_an_account_named_night_has_no_special_rights():
    with pytest.raises(ForbiddenError):
        run(ask.Pass(case="a1"), case(), by=account("night", GUEST.role))
