"""Kills, reruns and results that come twice: whatever the order, one outcome."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.nightly.conftest import Site
from tests.nightly.outcome import look

from agroforest.nightly.cluster.compute import Compute
from agroforest.nightly.cluster.worker import work as do
from agroforest.nightly.execution import Patience
from agroforest.nightly.result import TaskResult
from agroforest.nightly.run import run_nights
from agroforest.nightly.supply import Supply
from agroforest.risk import models_dir
from agroforest.store import Store
from agroforest.store.tries import Tries
from agroforest.testing.reliability import record

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

MODEL = "canopy-stress"
NIGHT = date(2024, 11, 6)
EXAMPLES = 25
_survived: list[bool] = []


class Killed(BaseException):
    """What a killed process does: nothing more."""


@dataclass
class Fuse:
    """Ends the process at one of the steps that others could see."""

    left: int

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(step)
        def burning(*args: Any, **kwargs: Any) -> Any:
            self.burn()
            done = step(*args, **kwargs)
            self.burn()
            return done

        return burning


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, learned: Site) -> Site:
    """A night that nobody disturbed."""
    site = learned.copy(tmp_path_factory.mktemp("clean"))
    run(site, Fuse(-1), twice=False)
    return site


@pytest.fixture(scope="module")
def clean(done: Site) -> dict[str, object]:
    """What such a night leaves."""
    found = look(done.work)
    assert found["alert"]
    return found


@settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],  # the same ones every time: they are counted
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    kills=st.lists(st.integers(1, 90), max_size=2),
    twice=st.booleans(),
)
def test_any_interleaving_ends_as_the_clean_run(
    kills: Sequence[int],
    twice: bool,
    learned: Site,
    clean: dict[str, object],
    tmp_path: Path,
) -> None:
    site = learned.copy(tmp_path / str(len(_survived)))
    for left in kills:
        with suppress(Killed):
            run(site, Fuse(left), twice=twice)
    run(site, Fuse(-1), twice=twice)
    found = look(site.work)
    assert found == clean
    run(site, Fuse(-1), twice=False)
    assert look(site.work) == clean
    _survived.append(True)


def test_the_interleavings_are_on_record() -> None:
    """Runs after the property, as pytest keeps the order of a file."""
    record(
        "fault",
        "killed at a random visible step, run again, results delivered twice",
        tried=EXAMPLES,
        survived=len(_survived),
        note="files, rows, alerts and report are those of the clean run",
    )
    assert len(_survived) == EXAMPLES


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize("suffix", [".tif", ".json"])
@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
def test_a_damaged_output_is_written_again(
    suffix: str,
    damage: Callable[[Path], None],
    done: Site,
    clean: dict[str, object],
    tmp_path: Path,
) -> None:
    site = done.copy(tmp_path)
    found = site.work.rglob(f"*_{NIGHT}_*{suffix}")
    victim = min(p for p in found if "/risk/" in str(p))
    damage(victim)
    assert look(site.work) != clean
    run(site, Fuse(-1), twice=False)
    after, before = look(site.work), clean
    # The report of a night that is run again is of what was done again.
    told = {n for n in before if "/reports/" in n or "/maps/" in n or n == "run"}
    right = all(after[n] == before[n] for n in before if n not in told)
    record(
        "fault",
        f"output damaged: {damage.__name__} {suffix}",
        tried=1,
        survived=int(right),
        note="found by its checksum and written again, byte for byte",
    )
    assert right


def run(site: Site, fuse: Fuse, *, twice: bool) -> None:
    """Run the night in this thread, until the fuse has burned."""

    def repeat(_: Compute, tasks: Supply) -> Iterator[TaskResult]:
        while tasks.wait_s() is not None:
            for handed in tasks.take(2):
                result = do(handed.task, handed.key, model=models_dir() / MODEL)
                yield result
                if twice:
                    yield result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compute, "run", repeat)
        patch.setattr(Path, "replace", fuse.around(Path.replace))
        for kind, name in (
            (Store, "record_night"),
            (Tries, "record_attempts"),
            (Tries, "record_execution"),
        ):
            patch.setattr(kind, name, fuse.around(getattr(kind, name)))
        patience = Patience(back_off_s=(), database_s=0)
        list(run_nights(site.pipeline, [NIGHT], work=site.work, patience=patience))
