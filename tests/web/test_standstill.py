"""The desk, and a PostgreSQL whose processes stand still."""

from pathlib import Path

import pytest
from tests.standstill import standing_still
from tests.web.desks import build_alerts, open_desk

from agroforest.testing.reliability import record

pytestmark = pytest.mark.enable_socket
SILENCE_S = 1.0  # instead of half a minute
_CASE = build_alerts()[0].id
PAGES = (
    *("/queue", f"/alerts/{_CASE}", "/map/alerts.json?box=108,22,109,23"),
    *("/exports", "/audit", "/api/v1/cases", f"/api/v1/cases/{_CASE}"),
)


def test_a_desk_says_that_its_database_stands_still(
    tmp_path: Path, postgresql: str
) -> None:
    with open_desk(tmp_path, database=postgresql, silence_s=SILENCE_S) as desk:
        sun = desk.visitor("sun")
        assert sun.get("/queue").status_code == 200
        with standing_still(postgresql):
            told = [sun.get(page).status_code for page in PAGES]
        again = [sun.get(page).status_code for page in PAGES]
    record(
        "fault",
        "PostgreSQL stands still while somebody looks at the desk",
        tried=len(PAGES),
        survived=sum(pair == (503, 200) for pair in zip(told, again, strict=True)),
        note="each page says so after two seconds at most (half a minute, as "
        "shipped), and is there the next time",
    )
    assert told == [503] * len(PAGES)
    assert again == [200] * len(PAGES)
