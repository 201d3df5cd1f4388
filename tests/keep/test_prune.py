"""What nobody reads again goes; what somebody may still look at stays."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.keep.conftest import NOW, SILENCE
from tests.store.test_findings import make_alert
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.core.alert import AlertStatus
from agroforest.core.errors import ConfigurationError, LockedError
from agroforest.keep.backup import Source, write_backup
from agroforest.keep.hold import holding
from agroforest.keep.needed import NEWEST, Dated, find_dated, find_dispensable
from agroforest.keep.prune import prune
from agroforest.keep.restore import restore
from agroforest.store import RunRecord, TaskRecord, open_store
from agroforest.store.pruning import Looked, Needs

LAST = date(2024, 11, 1)
AT = datetime(2024, 11, 2, tzinfo=UTC)
# A picture every twelfth day for three years.
DAYS = [LAST - timedelta(days=12 * n) for n in range(92)]
# What is read whatever its age, and what no night named like this.
_ALWAYS = (
    "gx/state.zarr/t1/zarr.json",
    "gx/fire/codes/2021-11-01.npz",
    "gx/fire/scars/a_2021-11-01.tif",
    "gx/risk/damage/2021/t1.tif",
    "gx/water/state/f_2021-11-01.npz",
    "catalog/x/2021/11/20211101_s.json",
    "gx/reports/notes-2021.json",
    "gx/indices/t1/t1_2021-99-99_ndvi.tif",
)
_BOX = [107.9, 21.9, 109.1, 23.1]


def make_file(path: Path, content: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def make_day(root: Path, day: date, tile: str, box: list[float]) -> None:
    """What a night leaves for a day, each file of a byte or so."""
    for name in ("ndvi", "ndmi"):
        stem = root / "indices" / tile / f"{tile}_{day}_{name}"
        make_file(stem.with_suffix(".tif"))
        make_file(stem.with_suffix(".json"), json.dumps({"bbox": box}))
    make_file(root / "risk" / tile / f"{tile}_{day}_canopy-loss-since.tif")
    make_file(root / "reports" / f"{day}.json", "{}")
    make_file(root / "maps" / f"{day}.html")
    make_file(root / "fire" / "danger" / f"drivers_{day}.tif")
    make_file(root / "fire" / "forecast" / str(day) / "rank_1.tif")


def outputs(root: Path, day: date) -> Iterable[str]:
    for file in root.rglob(f"*_{day}_*"):
        yield file.relative_to(root.parent).as_posix()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Three years of a pipeline that watches two tiles far from each other."""
    work = tmp_path / "work"
    for day in DAYS:
        make_day(work / "gx", day, "t1", _BOX)
        make_day(work / "gx", day, "t2", [100.0, 30.0, 100.1, 30.1])
    for kept in _ALWAYS:
        make_file(work / kept)
    with open_store(work / "agroforest.db") as store:
        store.record_night(
            run=RunRecord(
                pipeline="gx", night=LAST, config_digest="c", status="done", summary={}
            ),
            tasks=[
                TaskRecord(
                    id=f"t{day}",
                    pipeline="gx",
                    tile="t1",
                    state="t1-00",
                    night=day,
                    status="done",
                    scenes=(),
                    outputs=dict.fromkeys(outputs(work / "gx", day), "00"),
                    summary={"kind": "night"},
                )
                for day in DAYS
            ],
        )
    return work


def listed(work: Path) -> set[str]:
    return {
        p.relative_to(work).as_posix()
        for p in work.rglob("*")
        if p.is_file() and not p.name.startswith(("agroforest.db", "."))
    }


def go(work: Path, **options: object) -> int:
    done = prune(work, work / "agroforest.db", now=AT, **options)  # type: ignore[arg-type]
    return len(done.files)


def test_old_nights_go_and_all_else_stays(work: Path) -> None:
    before = listed(work)
    sixtieth = DAYS[NEWEST - 1]
    assert go(work, keep_days=400, dry_run=True) > 0
    assert listed(work) == before
    gone_count = go(work, keep_days=400)
    gone = before - listed(work)
    assert len(gone) == gone_count
    days = {next(str(d) for d in DAYS if str(d) in path) for path in gone}
    horizon = min(sixtieth, LAST - timedelta(days=400))
    assert days == {str(d) for d in DAYS if d < horizon}
    assert listed(work).issuperset(_ALWAYS)
    assert not list((work / "gx" / "fire" / "forecast").glob("2021-*"))
    assert go(work, keep_days=400) == 0


def test_a_pruned_night_is_not_missed(work: Path) -> None:
    """The ledger forgets the outputs, so the task stays done."""
    with open_store(work / "agroforest.db") as store:
        assert any(t.outputs for t in store.tasks("gx", DAYS[80]))
        go(work)
        for task in store.tasks("gx"):
            assert all((work / path).is_file() for path in task.outputs)
        [old] = store.tasks("gx", DAYS[80])
        assert (old.status, dict(old.outputs)) == ("done", {})


def test_killed_in_between_the_next_call_finishes(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", fail)
        with pytest.raises(KeyboardInterrupt):
            go(work)
    assert go(work) > 0
    assert go(work) == 0


def open_case(work: Path, since: date, status: AlertStatus = AlertStatus.OPEN) -> None:
    alert = make_alert("a1", since=since, first_night=since, status=status)
    with open_store(work / "agroforest.db") as store:
        store.record_night(alerts=[alert])


def test_evidence_of_an_open_case_stays(work: Path) -> None:
    since = DAYS[70] + timedelta(days=1)  # between two pictures
    open_case(work, since)
    go(work)
    left = listed(work)
    # its tile keeps the last picture before it and all after; the other tile does not
    assert f"gx/indices/t1/t1_{DAYS[70]}_ndvi.tif" in left
    assert f"gx/indices/t1/t1_{DAYS[69]}_ndvi.json" in left
    assert f"gx/indices/t1/t1_{DAYS[71]}_ndvi.tif" not in left
    assert f"gx/indices/t2/t2_{DAYS[70]}_ndvi.tif" not in left
    assert f"gx/fire/danger/drivers_{DAYS[70]}.tif" in left
    assert f"gx/risk/t1/t1_{DAYS[70]}_canopy-loss-since.tif" not in left


def test_evidence_goes_once_the_case_is_closed(work: Path) -> None:
    open_case(work, DAYS[70], AlertStatus.CLOSED)
    go(work)
    assert f"gx/indices/t1/t1_{DAYS[70]}_ndvi.tif" not in listed(work)


def test_too_few_days_and_a_backup_that_is_going_on_are_refused(work: Path) -> None:
    before = listed(work)
    with pytest.raises(ConfigurationError, match="keep 90 days at least"):
        go(work, keep_days=89)
    with (
        holding(work / ".backup.lock", "x"),
        pytest.raises(LockedError, match="a backup"),
    ):
        go(work)
    assert listed(work) == before


def test_a_backup_without_rasters_restores_without_them(
    work: Path, tmp_path: Path
) -> None:
    source = Source(work=work, database=work / "agroforest.db")
    full, small = tmp_path / "full.tar.zst", tmp_path / "small.tar.zst"
    write_backup(source, full, now=NOW, progress=SILENCE)
    source = replace(source, rasters=False)
    head = write_backup(source, small, now=NOW, progress=SILENCE).head
    assert not head.rasters
    done = restore(small, tmp_path / "again", now=NOW, progress=SILENCE)
    gone = listed(work) - listed(done.work)
    assert gone
    assert all("/indices/" in p or "/risk/" in p or "/fire/" in p for p in gone)
    with open_store(done.work / "agroforest.db") as store:
        for task in store.tasks("gx"):
            assert all((done.work / path).is_file() for path in task.outputs)
    # the original and its ledger are as they were
    with sqlite3.connect(work / "agroforest.db") as opened:
        (count,) = opened.execute("SELECT count(*) FROM output").fetchone()
    assert count == sum(len(list(outputs(work / "gx", day))) for day in DAYS)


def test_command(work: Path) -> None:
    def call(*arguments: str) -> str:
        ended = CliRunner().invoke(app, ["prune", f"--work={work}", *arguments])
        assert ended.exception is None, ended.output
        return ended.stdout

    before = listed(work)
    assert "将删除 would remove" in call("--dry-run")
    assert listed(work) == before
    said = call()
    assert "已删除 removed" in said
    assert "gx: 近一年 the last year took" in said
    assert listed(work) < before


_DAY = st.dates(date(2020, 1, 1), date(2024, 11, 1))


@given(
    st.lists(_DAY, max_size=30), st.lists(_DAY, max_size=3), st.integers(90, 2000), _DAY
)
def test_nothing_young_or_looked_at_is_ever_chosen(
    days: list[date], cases: list[date], keep_days: int, shown: date
) -> None:
    dated = [
        Dated(
            path=str(n), pipeline="p", kind="indices", tile="t", name="x", day=d, size=1
        )
        for n, d in enumerate(days)
    ]
    box = {"west": 0.0, "south": 0.0, "east": 1.0, "north": 1.0}
    looked = tuple(Looked(pipeline="p", since=d, first_night=d, **box) for d in cases)
    needs = Needs(last={"p": LAST}, shown={"p": shown}, looked=looked)
    gone = find_dispensable(Path("nowhere"), dated, needs, keep_days=keep_days)
    for one in gone:
        assert one.day < LAST - timedelta(days=keep_days)
        assert one.day < shown
        assert all(one.day < since for since in cases)
    for since in cases:  # what was before it can still be seen
        before = [d.day for d in dated if d.day < since]
        kept = {d.day for d in dated} - {d.day for d in gone}
        assert not before or max(before) in kept
    assert list(find_dated(Path("nowhere"), ("p",))) == []
