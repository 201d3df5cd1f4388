"""Boxes and outlines that are looked up: in SQLite, in PostGIS, and without either."""

import os

import psycopg
import pytest
import shapely
from sqlalchemy import text
from tests.store.desks import NOW, acted, make_case, make_step, open_cases
from tests.store.test_findings import make_alert

from agroforest.core.queue import CaseQuery, DeskChanges
from agroforest.core.review import Act, Stage
from agroforest.store import Store, open_store
from agroforest.store.database import has_geometry

HERE, THERE = shapely.box(108, 22, 108.1, 22.1), shapely.box(109, 23, 109.1, 23.1)


def inside(store: Store, *box: float) -> set[str]:
    query = CaseQuery(box=(box[0], box[1], box[2], box[3]))
    assert store.desk.count(query) == len(store.desk.queue(query).rows)
    return {row.id for row in store.desk.queue(query).rows}


def move(store: Store) -> None:
    """Record a case, and record it elsewhere."""
    store.record_night(alerts=[make_alert("a1", geometry=HERE), make_alert("a2")])
    case = make_case(make_alert("a1", geometry=HERE))
    store.desk.record(DeskChanges(cases=(case,), steps=(make_step("a1"),)))
    assert inside(store, 108.05, 22.05, 108.06, 22.06) == {"a1"}
    store.desk.record(acted(case, geometry=THERE))
    assert inside(store, 108.05, 22.05, 108.06, 22.06) == set()
    assert inside(store, 109.05, 23.05, 109.06, 23.06) == {"a1"}
    assert inside(store, 109.1, 23.1, 110, 24) == {"a1"}  # they touch
    assert inside(store, 109.1000001, 23.1, 110, 24) == set()


def test_a_case_is_found_where_it_is_now(desk_store: Store) -> None:
    move(desk_store)


def test_sqlite_forgets_the_box_of_a_case_that_is_gone(store: Store) -> None:
    open_cases(store, "a1", "a2")
    with store._database.writing() as connection:
        connection.execute(text("DELETE FROM alert WHERE id = 'a1'"))
        left = connection.execute(text("SELECT count(*) FROM case_box")).scalar()
    assert left == 1


def test_postgis_shows_the_outlines(postgresql: str) -> None:
    with open_store(postgresql) as store:
        (case,) = open_cases(store, "a1")
        part = make_case(make_alert("a1"), id="p1", of="a1", geometry=HERE)
        split = acted(case, act=Act.SPLIT, stage=Stage.SPLIT)
        first = DeskChanges(cases=(part,), steps=(make_step("p1", time=NOW),))
        store.desk.record(split + first)
        with store._database.reading() as connection:
            if not has_geometry(connection) and os.environ.get("CI") != "true":
                pytest.skip("not here: PostGIS (make database)")
            rows = connection.execute(
                text("SELECT id, ST_AsBinary(geom), ST_SRID(geom) FROM case_map")
            )
            found = {row[0]: (shapely.from_wkb(bytes(row[1])), row[2]) for row in rows}
        assert found == {"a1": (case.geometry, 4326), "p1": (HERE, 4326)}
    with open_store(postgresql) as again, again._database.reading() as connection:
        assert has_geometry(connection)


def test_nobody_needs_the_right_to_create_postgis(postgresql: str) -> None:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute("GRANT CREATE ON SCHEMA public TO plain")
    url = postgresql.replace("//gx@", "//plain@")
    with open_store(url) as store:
        with store._database.reading() as connection:
            assert not has_geometry(connection)
        move(store)
