"""What the bureau's people do on the simulated morning, before anybody looks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from agroforest.core.account import Account
from agroforest.core.queue import CaseQuery
from agroforest.core.review import Case, Reason, Sampling, Stage
from agroforest.core.risk import Hazard
from agroforest.desk.bureau import Bureau
from agroforest.desk.work import act
from agroforest.review import commands as ask
from agroforest.store import Store
from agroforest.testing.morning_clock import Clock
from agroforest.testing.morning_desk import REVIEWERS, SUPERVISOR

_STRESS, _LOSS = Hazard.CANOPY_STRESS, Hazard.CANOPY_LOSS
#: Between two acts.
_PAUSE = timedelta(minutes=2)
#: Days until somebody must have been there. Arbitrary.
_DUE = timedelta(days=3)


@dataclass(kw_only=True)
class Bench:
    """The two reviewers and their supervisor at work.

    Attributes
    ----------
    store, bureau, clock
        Of the desk.
    people
        Accounts by name.
    done
        How many acts there were.
    """

    store: Store
    bureau: Bureau
    clock: Clock
    people: Mapping[str, Account]
    done: int = field(default=0)

    def act(self, by: str, *commands: ask.Command) -> None:
        """Let somebody do one thing after another."""
        for command in commands:
            self.clock.move(_PAUSE)
            act(
                self.store,
                self.bureau,
                command,
                self.people[by],
                now=self.clock(),
            )
            self.done += 1

    def find(self, hazard: Hazard) -> list[Case]:
        """Cases of a hazard that nobody has touched, the most pressing first."""
        query = CaseQuery(stages=(Stage.PRESCREEN,), hazards=(hazard,))
        ids = [row.id for row in self.store.desk.queue(query).rows]
        found = self.store.desk.cases(ids)
        return [found[each] for each in ids if found[each].version == 1]


def work_a_morning(bench: Bench) -> int:
    """Do what a morning brings, as far as there are alerts for it; how many acts.

    One sign of stress is confirmed and sampled, another dismissed as cloud, and a loss
    as a harvest; two losses are merged and taken apart again, and somebody is sent to
    one of them.
    """
    # Drawn first: what is done to one case must not be done to it again.
    stresses, losses = bench.find(_STRESS), bench.find(_LOSS)
    plan: tuple[tuple[list[Case], int, Callable[..., None]], ...] = (
        (stresses, 1, _confirm_stress),
        (losses, 1, _dismiss_harvest),
        (losses, 2, _merge_and_undo),
        (stresses, 1, _dismiss_cloud),
    )
    for cases, count, do in plan:
        if len(cases) >= count:
            do(bench, *(cases.pop(0) for _ in range(count)))
    return bench.done


def _confirm_stress(bench: Bench, case: Case) -> None:
    rui, ren = REVIEWERS
    bench.act(
        rui,
        ask.Pass(case=case.id, note="连续数景下降，云掩膜无误"),
        ask.Confirm(
            case=case.id,
            reason=Reason.SEEN_IN_IMAGES,
            note="只见胁迫，病因待取样",
        ),
    )
    bench.act(
        rui,
        ask.OrderCheck(
            case=case.id,
            to=ren,
            due=(bench.clock() + _DUE).date(),
            sample=True,
            note="取样 3 株，送检",
        ),
    )
    bench.act(SUPERVISOR, ask.Approve(case=case.id))
    bench.act(ren, ask.Sample(case=case.id, to=Sampling.SAMPLED, note="样品 3 份"))


def _dismiss_harvest(bench: Bench, case: Case) -> None:
    _, ren = REVIEWERS
    note = "有采伐许可，计划内采伐"
    bench.act(ren, ask.Dismiss(case=case.id, reason=Reason.HARVEST, note=note))


def _merge_and_undo(bench: Bench, case: Case, other: Case) -> None:
    rui, ren = REVIEWERS
    bench.act(rui, ask.Merge(case=case.id, others=(other.id,), note="相邻，似同一处"))
    bench.act(ren, ask.Unmerge(case=other.id, note="中间隔一条路，是两处"))
    due = (bench.clock() + _DUE).date()
    bench.act(rui, ask.OrderCheck(case=case.id, to=ren, due=due, note="看现场"))


def _dismiss_cloud(bench: Bench, case: Case) -> None:
    _, ren = REVIEWERS
    note = "薄云残留，下一景已恢复"
    bench.act(ren, ask.Dismiss(case=case.id, reason=Reason.CLOUD, note=note))
