"""Four hundred nights in one process: as much memory and work as on the first.

Work is counted, not timed; ``benchmarks/soak.py`` does that on a quiet machine.
"""

from collections.abc import Callable
from statistics import median

import numpy as np
import pytest

from agroforest.testing.reliability import record
from agroforest.testing.soak import NightFigures, measure_growth, run_soak

pytestmark = [
    *(pytest.mark.slow, pytest.mark.soak, pytest.mark.enable_socket),
    pytest.mark.timeout(1200),  # all nights are run for the first test
]

NIGHTS = 400
# Before it, libraries are loaded, code is compiled and seasons are learned.
WARM = 100
#: The issue's: growth over the nights, of what it was at their beginning.
FLAT = 0.05


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[NightFigures]:
    """Figures of every night."""
    return list(run_soak(tmp_path_factory.mktemp("soak"), nights=NIGHTS))


def check_flat(what: str, series: list[float]) -> None:
    growth, _ = measure_growth(series)
    record(
        "soak",
        f"{NIGHTS} nights, two tiles: {what}",
        tried=1,
        survived=int(growth < FLAT),
        note=f"grows by less than {FLAT:.0%}",
    )
    assert growth < FLAT, f"{what} grows by {growth:.1%}"


@pytest.mark.parametrize(
    ("what", "of"),
    [
        ("memory", lambda f: f.memory),
        ("state store", lambda f: f.state),
    ],
)
def test_four_hundred_nights_need_no_more_room(
    what: str, of: Callable[[NightFigures], float], nights: list[NightFigures]
) -> None:
    check_flat(what, [of(f) for f in nights[WARM:]])


def test_a_night_without_scenes_calls_and_reads_no_more(
    nights: list[NightFigures],
) -> None:
    quiet = [f for f in nights[WARM:] if not f.worked]
    assert len(quiet) > NIGHTS / 2
    check_flat("functions called in a night without scenes", [f.calls for f in quiet])
    check_flat("bytes read in a night without scenes", [f.read for f in quiet])


def test_a_night_with_scenes_calls_no_more(nights: list[NightFigures]) -> None:
    """Until something is planted, and then reported.

    What such a night reads depends on its clouds.
    """
    working = [f for f in nights[WARM:] if f.worked and not f.damaged]
    assert len(working) >= 10
    check_flat("functions called in a night with scenes", [f.calls for f in working])


def test_nothing_is_left_open(nights: list[NightFigures]) -> None:
    for name in ("files", "threads"):
        found = [getattr(f, name) for f in nights[WARM:]]
        assert max(found) - min(found) <= 2, name


def test_the_database_grows_by_what_it_records(nights: list[NightFigures]) -> None:
    """A few kilobytes a night: a year of two tiles is a megabyte or two."""
    grown = np.diff([f.database for f in nights[WARM:]])
    assert median(grown) <= 8192
    assert grown.mean() <= 8192
