"""A small simulated world, catalogued once, and copies of it to work in."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.nightly.alone import run_alone

from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.core.config import Pipeline, read_pipeline
from agroforest.nightly import NightOutcome, run_nights
from agroforest.nightly.cluster import Scheduler
from agroforest.testing.world import World, build_world


@dataclass(frozen=True, kw_only=True)
class Site:
    """A work folder over the simulated world."""

    world: World
    work: Path

    @property
    def pipeline(self) -> Pipeline:
        return read_pipeline(self.world.pipeline)

    def copy(self, folder: Path) -> "Site":
        """Another work folder, with what this one holds."""
        shutil.copytree(self.work, folder / "work")
        return Site(world=self.world, work=folder / "work")

    def run(
        self,
        first: date,
        last: date | None = None,
        *,
        scheduler: Scheduler | None = None,
    ) -> list[NightOutcome]:
        count = ((last or first) - first).days + 1
        nights = [first + timedelta(days=n) for n in range(count)]
        outcomes = run_nights(
            self.pipeline, nights, work=self.work, scheduler=scheduler
        )
        return list(outcomes)


@pytest.fixture(scope="session")
def _catalogued(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("world")
    world = build_world(folder / "world", size=96, years=1.6)
    work = folder / "work"
    add_scenes([world.scenes], LocalCatalog(work / "catalog"))
    return Site(world=world, work=work)


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory, _catalogued: Site) -> Site:
    """Seasons are learned and 1 November is done: to be copied, never changed."""
    site = _catalogued.copy(tmp_path_factory.mktemp("learned"))
    with run_alone():
        assert not site.run(date(2024, 11, 1))[0].failed
    return site


@pytest.fixture
def site(_catalogued: Site, tmp_path: Path) -> Site:
    """A fresh work folder with the catalogue; scenes are shared and read-only."""
    return _catalogued.copy(tmp_path)


@pytest.fixture
def alone() -> Iterator[None]:
    """Nights of this test start no worker processes."""
    with run_alone():
        yield
