"""Index maps and their items that are damaged after a night are written again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.nightly.alone import run_alone
from tests.nightly.conftest import Site
from tests.nightly.faults.nights import NIGHTS, differ, run
from tests.nightly.outcome import look

from agroforest.testing.reliability import record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("alone"),
]

NIGHT = NIGHTS[1]
OWN = frozenset({"reports", "maps", "run"})


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture(scope="module")
def done(learned: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = learned.copy(tmp_path_factory.mktemp("done"))
    with run_alone():
        run(site, [NIGHT])
    return site


@pytest.mark.parametrize("suffix", [".tif", ".json"])
@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_a_damaged_index_map_is_written_again(
    damage: Callable[[Path], None], suffix: str, done: Site, tmp_path: Path
) -> None:
    site = done.copy(tmp_path)
    maps = site.work / site.pipeline.name / "indices"
    victim = min(maps.rglob(f"*_{NIGHT}_*{suffix}"))
    damage(victim)
    run(site, [NIGHT])
    right = differ(look(site.work, without=OWN), look(done.work, without=OWN)) == []
    record(
        "fault",
        "index map or its item damaged or removed after a night",
        tried=1,
        survived=int(right),
        note="found by its checksum and written again, byte for byte",
    )
    assert right
