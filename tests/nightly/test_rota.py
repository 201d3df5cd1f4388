"""Which task is tried next, and what is on record of it: a model without workers."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.nightly.test_plan import NIGHT, granule, plan

from agroforest.core.execution import Attempt, Outcome, TileQuarantine
from agroforest.nightly.attempts import LIMIT, Fault
from agroforest.nightly.execution import (
    DATABASE_PATIENCE_S,
    History,
    Patience,
    Rota,
    begin,
)
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.supply import Handed
from agroforest.nightly.tile import failed

START = datetime(2024, 11, 1, 2, tzinfo=UTC)
(TASK,) = plan([granule(NIGHT)]).tasks


def build_tasks(count: int) -> list[TileTask]:
    return [TASK.patch(id=f"t{n}", inputs=f"i{n}") for n in range(count)]


def done(task: TileTask) -> TaskResult:
    return failed(task, "", Fault.LOST).patch(error=None, fault=None)


class Desk:
    """A rota with a clock of its own, and rows as a database would keep them."""

    def __init__(
        self, tasks: Sequence[TileTask], history: History | None = None
    ) -> None:
        self.now = START
        self.rows: dict[tuple[str, int], Attempt] = {}
        self.aside: list[TileQuarantine] = []
        self.transactions = 0
        self.reason = ""
        self.rota = Rota(
            tasks,
            execution=begin("p", NIGHT, "c", START),
            history=history or History(),
            patience=Patience(now=lambda: self.now, back_off_s=(2, 10)),
            record=self._record,
            stop=lambda: self.reason,
        )

    def _record(
        self, attempts: Sequence[Attempt], aside: Sequence[TileQuarantine]
    ) -> None:
        self.transactions += 1
        self.rows |= {(a.task, a.number): a for a in attempts}
        self.aside += aside

    def wait(self) -> None:
        pause = self.rota.wait_s()
        assert pause is not None
        self.now += timedelta(seconds=pause)

    def take(self, free: int = 9) -> Sequence[Handed]:
        return self.rota.take(free)


def test_what_is_handed_out_is_on_record_first() -> None:
    desk = Desk(build_tasks(5))
    assert [h.task.id for h in desk.take(2)] == ["t0", "t1"]
    assert {k: a.outcome for k, a in desk.rows.items()} == {
        ("t0", 1): Outcome.RUNNING,
        ("t1", 1): Outcome.RUNNING,
    }
    assert desk.transactions == 1


def test_attempts_are_recorded_many_at_once() -> None:
    tasks = build_tasks(8)
    desk = Desk(tasks)
    desk.take(4)
    for task in tasks[:4]:
        assert desk.rota.settle(done(task)) is not None
    desk.take(4)
    assert desk.transactions == 2
    for task in tasks[4:]:
        desk.rota.settle(done(task))
    assert desk.rota.wait_s() is None
    assert desk.rota.close() == []
    assert desk.transactions == 3
    assert {a.outcome for a in desk.rows.values()} == {Outcome.DONE}


def test_a_source_that_comes_back_costs_some_seconds() -> None:
    (task,) = build_tasks(1)
    desk = Desk([task])
    desk.take()
    assert desk.rota.settle(failed(task, "no answer", Fault.SOURCE)) is None
    assert desk.take() == []
    assert desk.rota.wait_s() == 2
    desk.wait()
    assert [h.task.id for h in desk.take()] == ["t0"]
    assert desk.rota.settle(done(task)) is not None
    desk.rota.close()
    outcomes = [a.outcome for a in desk.rows.values()]
    assert outcomes == [Outcome.HINDERED, Outcome.DONE]
    assert desk.aside == []


def test_a_task_that_kills_is_isolated_and_then_set_aside() -> None:
    poison, innocent = build_tasks(2)
    desk = Desk([poison, innocent])
    assert [h.alone for h in desk.take()] == [False, False]
    assert desk.rota.settle(done(innocent)) is not None
    for number in range(1, LIMIT):
        died = failed(poison, "its worker died", Fault.KILLED).patch(deaths=1, fence=4)
        assert desk.rota.settle(died) is None
        desk.wait()
        (again,) = desk.take()
        assert again.alone
        assert again.key.endswith(f"-{number + 1}")
    last = desk.rota.settle(failed(poison, "died again", Fault.KILLED))
    assert last is not None
    assert not last.done
    desk.rota.close()
    (aside,) = desk.aside
    assert (aside.inputs, aside.attempts, aside.reason) == ("i0", LIMIT, "died again")
    assert desk.rota.set_aside == [aside]


def test_each_worker_that_died_of_it_is_an_attempt() -> None:
    (poison,) = build_tasks(1)
    desk = Desk([poison])
    desk.take()
    died = failed(poison, "4 workers died of it", Fault.KILLED).patch(deaths=4)
    assert desk.rota.settle(died) is died
    desk.rota.close()
    assert [a.number for a in desk.rows.values()] == [1, 2, 3, 4]
    assert desk.aside[0].attempts == 4


def test_attempts_of_other_nights_count() -> None:
    (task,) = build_tasks(1)
    before = [
        Attempt(
            task=f"last-{n}",
            number=1,
            execution="e",
            pipeline="p",
            tile=task.tile.id,
            kind="night",
            inputs="i0",
            started=START - timedelta(days=n),
            lease_until=START,
            outcome=Outcome.FAILED,
        )
        for n in (1, 2)
    ]
    desk = Desk([task], History(attempts=before))
    desk.take()
    assert desk.rota.settle(failed(task, "nothing usable", Fault.DATA)) is not None
    desk.rota.close()
    assert [q.attempts for q in desk.aside] == [3]


def test_whoever_was_running_when_the_run_was_killed_is_a_suspect() -> None:
    tasks = build_tasks(1)
    suspects = frozenset({(TASK.tile.id, "night")})
    desk = Desk(tasks, History(suspects=suspects))
    assert [h.alone for h in desk.take()] == [True]


def test_innocent_tasks_of_dead_workers_are_not_blamed() -> None:
    (task,) = build_tasks(1)
    desk = Desk([task])
    for _ in range(6):
        desk.take()
        assert desk.rota.settle(failed(task, "lost", Fault.LOST)) is None
        desk.wait()
    desk.take()
    assert desk.rota.settle(done(task)) is not None
    desk.rota.close()
    assert desk.aside == []


def test_a_spent_budget_leaves_the_rest_and_what_would_be_tried_again() -> None:
    tasks = build_tasks(4)
    desk = Desk(tasks)
    desk.take(2)
    assert desk.rota.settle(done(tasks[0])) is not None
    desk.reason = "budget.minutes is 1"
    assert desk.rota.settle(failed(tasks[1], "no answer", Fault.SOURCE)) is None
    assert desk.take(2) == ()
    assert desk.rota.wait_s() is None
    failures = desk.rota.close()
    assert [r.id for r in failures] == ["t1"]
    assert [t.id for t in desk.rota.left_out] == ["t2", "t3"]
    assert desk.rota.reason == "budget.minutes is 1"


@given(st.integers(0, 2**32))
def test_any_order_of_results_and_duplicates_ends_every_task_once(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  no secret
    tasks = build_tasks(chance.randint(1, 5))
    desk = Desk(tasks)
    ended: list[str] = []
    out: list[TileTask] = []
    while True:
        out += [h.task for h in desk.take(chance.randint(0, 3))]
        if out:
            task = out.pop(chance.randrange(len(out)))
            fault = chance.choice([None, *Fault])
            result = done(task) if fault is None else failed(task, "x", fault)
            last = desk.rota.settle(result)
            ended += [last.id] if last is not None else []
            assert desk.rota.settle(result) is None  # it comes twice
        pause = desk.rota.wait_s()
        if pause is None and not out:
            break
        desk.now += timedelta(seconds=pause or 0)
    desk.rota.close()
    assert sorted(ended) == [t.id for t in tasks]
    assert all(a.ended is not None for a in desk.rows.values())
    for task in tasks:
        numbers = [a.number for a in desk.rows.values() if a.task == task.id]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_patience_is_longer_than_the_restart_of_a_server() -> None:
    assert DATABASE_PATIENCE_S > 60
