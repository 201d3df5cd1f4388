"""The queue gives what was asked for, in order, page by page, by whatever way."""

import json
import random
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.desks import NOW, acted, make_case, make_step
from tests.store.test_findings import NIGHT, make_alert

from agroforest.core.errors import DataError
from agroforest.core.queue import CaseQuery, DeskChanges, Order, QueueRow
from agroforest.core.review import Case, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.store import Store, open_store, queue_paths
from agroforest.testing.servers import lend_database

COUNTIES = ("450110", "450102", "")
PEOPLE = ("", "韦工", "李工")
NUMBER = 300


def make_cases() -> list[Case]:
    """Cases with many ties, so that pages end between equals."""
    dice = random.Random(3)  # noqa: S311  nothing secret
    cases = []
    for number in range(NUMBER):
        west, south = 108 + dice.random(), 22 + dice.random()
        alert = make_alert(
            f"c{number}",
            pipeline=dice.choice(["gx", "fires"]),
            hazard=dice.choice(list(Hazard)),
            geometry=shapely.box(west, south, west + 0.02, south + 0.01),
            area_ha=dice.choice([0.5, 1.5, 80.0, dice.random()]),
            probability=dice.choice([None, 0.25, 0.75, dice.random()]),
            first_night=NIGHT + timedelta(days=dice.randrange(9)),
        )
        cases.append(
            make_case(
                alert,
                stage=dice.choice(list(Stage)),
                changed=NOW + timedelta(minutes=dice.randrange(20)),
                verdict=dice.choice([None, *Verdict]),
                county=(dice.choice(COUNTIES), "", ""),
                assignee=dice.choice(PEOPLE),
                rank=dice.choice([0.0, 1.0, dice.random()]),
                due=dice.choice([None, NOW]),
            )
        )
    return cases


CASES = make_cases()
T = TypeVar("T")


@contextmanager
def _fill(url: str | Path) -> Iterator[Store]:
    with open_store(url) as store:
        geometry = {c.id: c for c in CASES}
        store.record_night(
            alerts=[
                make_alert(name, geometry=c.geometry) for name, c in geometry.items()
            ]
        )
        steps = tuple(make_step(c.id) for c in CASES)
        store.desk.record(DeskChanges(cases=tuple(CASES), steps=steps))
        yield store


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Store with `CASES`, on each kind of database; nobody changes it."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("queue") / "a.db"
        shutil.copy(request.getfixturevalue("empty_file"), path)
        with _fill(path) as store:
            yield store
    else:
        with (
            lend_database(request.getfixturevalue("postgresql_server")) as url,
            _fill(url) as store,
        ):
            yield store


def matches(case: Case, query: CaseQuery) -> bool:
    """Whether a query asks for a case, said again without a database."""
    lists = (
        (query.stages, case.stage),
        (query.hazards, case.hazard),
        (query.verdicts, case.verdict),
        (query.pipelines, case.pipeline),
        (query.counties, case.county[0]),
    )
    wanted = [not words or word in words for words, word in lists]
    if query.assignee:
        wanted.append(case.assignee == query.assignee.replace("-", ""))
    if query.least_ha is not None:
        wanted.append(case.area_ha >= query.least_ha)
    if query.most_ha is not None:
        wanted.append(case.area_ha <= query.most_ha)
    if query.least_probability is not None:
        chance = case.probability
        wanted.append(chance is not None and chance >= query.least_probability)
    if query.since is not None:
        wanted.append(case.first_night >= query.since)
    if query.until is not None:
        wanted.append(case.first_night <= query.until)
    if query.box is not None:
        west, south, east, north = query.box
        box = case.geometry.bounds
        wanted += [box[0] <= east, box[2] >= west, box[1] <= north, box[3] >= south]
    return all(wanted)


def sort_key(case: Case | QueueRow, order: Order) -> float:
    """Number by which a case is sorted, rising."""
    keys = {
        Order.RANK: -case.rank,
        Order.NEWEST: -case.first_night.toordinal(),
        Order.OLDEST: case.first_night.toordinal(),
        Order.AREA: -case.area_ha,
        Order.PROBABILITY: -(-1 if case.probability is None else case.probability),
        Order.CHANGED: -case.changed.timestamp(),
    }
    return float(keys[order])


def turn_pages(store: Store, query: CaseQuery) -> list[QueueRow]:
    rows: list[QueueRow] = []
    while True:
        page = store.desk.queue(query)
        rows += page.rows
        assert len(page.rows) == query.limit or not page.next
        if not page.next:
            return rows
        query = replace(query, after=page.next)


def check(store: Store, query: CaseQuery) -> None:
    expected = {case.id for case in CASES if matches(case, query)}
    rows = turn_pages(store, query)
    assert len(rows) == len(expected)
    assert {row.id for row in rows} == expected
    keys = [sort_key(row, query.order) for row in rows]
    assert keys == sorted(keys)
    assert store.desk.count(query) == len(expected)
    assert store.desk.count(query, limit=5) == min(5, len(expected))


def some(words: Sequence[T]) -> st.SearchStrategy[tuple[T, ...]]:
    chosen: st.SearchStrategy[list[T]] = st.lists(st.sampled_from(words), max_size=3)
    return chosen.map(tuple)


QUERIES = st.builds(
    CaseQuery,
    stages=some(list(Stage)),
    hazards=some(list(Hazard)),
    verdicts=some(list(Verdict)),
    pipelines=some(["gx", "fires", "none"]),
    counties=some([*COUNTIES, "none"]),
    assignee=st.sampled_from(["", "", "-", "韦工", "nobody"]),
    least_ha=st.sampled_from([None, None, 0.5, 50.0]),
    most_ha=st.sampled_from([None, None, 1.5, 0.01]),
    least_probability=st.sampled_from([None, None, 0.0, 0.75]),
    since=st.sampled_from([None, NIGHT + timedelta(days=4)]),
    until=st.sampled_from([None, NIGHT + timedelta(days=6)]),
    box=st.sampled_from([None, None, (108.2, 22.2, 108.5, 22.9), (0, 0, 180, 90)]),
    order=st.sampled_from(list(Order)),
    limit=st.sampled_from([40, 150, 500]),
)


@given(query=QUERIES)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_query_finds_what_it_asks_for(filled: Store, query: CaseQuery) -> None:
    check(filled, query)


@pytest.mark.parametrize("counted", [0, 5, 10**6])
def test_every_way_leads_to_the_same_cases(
    filled: Store, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few cases count as few, so that each way is gone."""
    monkeypatch.setattr(queue_paths, "_COUNTED", counted)
    for order in Order:
        check(filled, CaseQuery(order=order, limit=90))
        check(filled, CaseQuery(order=order, counties=("450110",), limit=90))
        check(filled, CaseQuery(order=order, assignee="韦工", limit=90))
        check(filled, CaseQuery(order=order, least_ha=1.0, limit=90))
        check(filled, CaseQuery(order=order, box=(108, 22, 108.3, 22.3), limit=90))


def test_a_row_says_what_the_case_says(filled: Store) -> None:
    by_id = {case.id: case for case in CASES}
    names = [n for n in QueueRow.__dataclass_fields__ if n != "box"]
    rows = turn_pages(filled, CaseQuery(limit=500))
    assert len(rows) == NUMBER
    for row in rows:
        case = by_id[row.id]
        assert {n: getattr(row, n) for n in names} == {
            n: getattr(case, n) for n in names
        }
        assert row.box == case.geometry.bounds


def test_pages_do_not_shift_when_cases_come_and_go(desk_store: Store) -> None:
    cases = CASES[:20]
    alerts = [make_alert(c.id) for c in CASES[:21]]
    desk_store.record_night(alerts=alerts)
    ranked = tuple(
        case.patch(rank=float(n), stage=Stage.VERDICT) for n, case in enumerate(cases)
    )
    steps = tuple(make_step(c.id) for c in ranked)
    desk_store.desk.record(DeskChanges(cases=ranked, steps=steps))
    query = CaseQuery(limit=5)
    first = desk_store.desk.queue(query)
    gone = first.rows[2].id
    moved = next(c for c in ranked if c.id == gone).patch(rank=-1.0)
    new = CASES[20].patch(rank=99.0, stage=Stage.VERDICT)
    desk_store.desk.record(DeskChanges(cases=(moved, new), steps=(make_step(new.id),)))
    second = desk_store.desk.queue(replace(query, after=first.next))
    assert [row.rank for row in second.rows] == [14.0, 13.0, 12.0, 11.0, 10.0]


def test_a_cursor_of_another_list_is_refused(filled: Store) -> None:
    good = filled.desk.queue(CaseQuery(limit=5)).next
    wrong = ["x", "你好", "bnVsbA", "W10", good[:-3], "A" * 5000, good + "x" * 99]
    queries = [CaseQuery(after=text) for text in wrong]
    queries.append(CaseQuery(after=good, order=Order.AREA))
    for query in queries:
        with pytest.raises(DataError, match="cursor: is not one of this order"):
            filled.desk.queue(query)
    for value, number in ((1 << 63, 1), (1, 1 << 31), (1, -1), (-(1 << 64), 1)):
        body = json.dumps(["changed", value, number]).encode()
        after = urlsafe_b64encode(body).decode()
        with pytest.raises(DataError, match="cursor: is not one of this order"):
            filled.desk.queue(CaseQuery(after=after, order=Order.CHANGED))
    for limit in (0, 501, -1):
        with pytest.raises(DataError, match="ask for 1 to 500"):
            filled.desk.queue(CaseQuery(limit=limit))


def test_an_empty_queue_has_one_empty_page(desk_store: Store) -> None:
    page = desk_store.desk.queue(CaseQuery())
    assert (page.rows, page.next) == ((), "")
    assert desk_store.desk.count(CaseQuery()) == 0
    assert desk_store.desk.count(CaseQuery(least_ha=1.0)) == 0
    assert desk_store.desk.queue(CaseQuery(box=(0, 0, 1, 1))).rows == ()


HOSTILE = (
    "' OR ''='",
    'a"b',
    "x; DROP TABLE review_case",
    ":way_0",
    "%(wanted)s",
    "%s?",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_asked_for_stays_a_value(filled: Store, text: str) -> None:
    """A statement is text; what people ask for is never part of it."""
    for query in (
        CaseQuery(assignee=text),
        CaseQuery(counties=(text, "450110")),
        CaseQuery(pipelines=(text,), least_ha=1.0),
    ):
        check(filled, query)


def test_a_row_that_was_read_before_shows_what_has_changed(desk_store: Store) -> None:
    desk_store.record_night(alerts=[make_alert("a1")])
    case = make_case(make_alert("a1"))
    desk_store.desk.record(DeskChanges(cases=(case,), steps=(make_step("a1"),)))
    (first,) = desk_store.desk.queue(CaseQuery()).rows
    assert desk_store.desk.queue(CaseQuery()).rows == (first,)
    desk_store.desk.record(acted(case, assignee="李工", places=("p9", "p'1")))
    (second,) = desk_store.desk.queue(CaseQuery()).rows
    assert (second.assignee, second.places) == ("李工", ("p9", "p'1"))
    assert second.version == first.version + 1
