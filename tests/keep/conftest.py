"""A work folder with a little of everything, and no nights."""

import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.keep.backup import Source
from agroforest.listen.spool import Spool
from agroforest.store import RunRecord, TaskRecord, open_store
from agroforest.store.state import save_state

NOW = datetime(2024, 11, 3, 2, tzinfo=UTC)
NIGHT = date(2024, 11, 1)

_PIPELINE = """\
name = "p"
aoi = "../area/a.geojson"
desk = "desk.toml"
[baseline]
start = 2022-01-01
end = 2023-12-31
[fire]
hotspots = ["../data/*.csv"]
"""
_DESK = """\
[mail]
host = "mail.example"
password_file = "mail-secret"
"""


class Silence:
    def begin(self, label: str, total: int) -> None:
        pass

    def advance(self) -> None:
        pass


SILENCE = Silence()


@dataclass(frozen=True, kw_only=True)
class Place:
    """A work folder and the definition of its pipeline."""

    work: Path
    pipeline: Path

    @property
    def database(self) -> Path:
        return self.work / "agroforest.db"

    @property
    def source(self) -> Source:
        return Source(
            work=self.work, database=self.database, pipelines=(self.pipeline,)
        )


def fill_work(work: Path) -> None:
    raster = work / "p" / "risk" / "t1" / "t1_2024-11-01_canopy-loss-probability.tif"
    raster.parent.mkdir(parents=True)
    raster.write_bytes(bytes(range(256)) * 40)
    report = work / "p" / "reports" / "2024-11-01.json"
    report.parent.mkdir()
    report.write_text('{"night": "2024-11-01"}\n')
    arrays = {"ring": np.arange(600 * 300, dtype=np.int16).reshape(600, 300)}
    save_state(work / "p" / "state.zarr", "t1-00", arrays, {"crs": "EPSG:32649"})
    spool = Spool(work / "spool", segment_bytes=1 << 20)
    spool.append([b"uplink"] * 3)
    spool.close()
    with open_store(work / "agroforest.db") as store:
        store.record_night(
            run=RunRecord(
                pipeline="p", night=NIGHT, config_digest="c", status="done", summary={}
            ),
            tasks=[
                TaskRecord(
                    id="task",
                    pipeline="p",
                    tile="t1",
                    state="t1-00",
                    night=NIGHT,
                    status="done",
                    scenes=("s1",),
                    outputs={raster.relative_to(work).as_posix(): "00"},
                    summary={"kind": "night"},
                )
            ],
        )
        store.add_sensors([Sensor(id="s1", name="甘蔗地 3")])
        store.add_readings(
            Reading(
                sensor="s1",
                time=datetime(2024, 11, 1, hour, tzinfo=UTC),
                variable=Variable.BATTERY,
                depth_m=None,
                value=3.0 + hour / 100,
            )
            for hour in range(24)
        )


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("filled") / "work"
    fill_work(work)
    return work


@pytest.fixture
def place(_filled: Path, tmp_path: Path) -> Place:
    work = tmp_path / "work"
    shutil.copytree(_filled, work)
    settings = tmp_path / "settings"
    for name, text in {
        "pipelines/p.toml": _PIPELINE,
        "pipelines/desk.toml": _DESK,
        "pipelines/mail-secret": "hunter2",
        "area/a.geojson": "{}",
        "data/x.csv": "1,2\n",
    }.items():
        file = settings / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Place(work=work, pipeline=settings / "pipelines" / "p.toml")


def files(root: Path) -> dict[str, bytes]:
    """Files of a work folder that a backup holds, without the database."""
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file()
        and not any(part.startswith(".") for part in p.relative_to(root).parts)
        and not p.name.startswith("agroforest.db")
    }
