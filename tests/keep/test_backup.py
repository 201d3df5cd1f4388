"""Backups of a work folder, and what comes back of them."""

import os
import shutil
import sqlite3
import stat
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.keep.conftest import NOW, SILENCE, Place, files
from tests.store.desks import make_message
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.core.errors import (
    ConfigurationError,
    DataError,
    LockedError,
    NoInputError,
    SourceError,
)
from agroforest.core.message import Delivery
from agroforest.keep import backup as keep_backup
from agroforest.keep import snapshot
from agroforest.keep.backup import Taken, write_backup
from agroforest.keep.hold import holding
from agroforest.keep.restore import Restored, check, restore
from agroforest.listen.spool import Spool, measure
from agroforest.store import open_store
from agroforest.store.state import load_state, save_state


def back_up(place: Place, target: Path, *, later: int = 0) -> Taken:
    now = NOW + timedelta(seconds=later)
    return write_backup(place.source, target, now=now, progress=SILENCE)


def bring_back(backup: Path, work: Path, **options: object) -> Restored:
    return restore(backup, work, now=NOW, progress=SILENCE, **options)  # type: ignore[arg-type]


def rows(database: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(database) as opened:
        names = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: opened.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608
            for (name,) in names.fetchall()
        }


@pytest.fixture(params=["backup.tar.zst", "backups"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / str(request.param)


def test_what_is_restored_is_what_was_there(place: Place, target: Path) -> None:
    taken = back_up(place, target)
    assert taken.head.nights == {"p": "2024-11-01"}
    done = bring_back(target, place.work.with_name("again"))
    found = files(done.work)
    settings = {k: v for k, v in found.items() if k.startswith("settings/")}
    assert {k: v for k, v in found.items() if k not in settings} == files(place.work)
    assert rows(done.work / "agroforest.db") == rows(place.database)
    arrays, _ = load_state(done.work / "p" / "state.zarr", "t1-00") or ({}, {})
    assert arrays["ring"].sum(dtype=np.int64) == sum(
        np.arange(600 * 300, dtype=np.int16).tolist()
    )
    assert check(target, progress=SILENCE) == taken.head


def test_settings_travel_with_relative_names_and_without_secrets(
    place: Place, target: Path
) -> None:
    taken = back_up(place, target)
    done = bring_back(target, place.work.with_name("again"))
    found = files(done.work / "settings")
    assert set(found) == {"pipelines/p.toml", "pipelines/desk.toml", "area/a.geojson"}
    assert not [k for k, v in files(done.work).items() if b"hunter2" in v]
    assert "not in it: mail-secret" in taken.head.notes
    assert "not in it: ../data/*.csv" in taken.head.notes


def test_a_restored_folder_is_backed_up_like_any_other(
    place: Place, target: Path
) -> None:
    back_up(place, target)
    again = place.work.with_name("again")
    bring_back(target, again)
    moved = Place(work=again, pipeline=again / "settings" / "pipelines" / "p.toml")
    back_up(moved, target, later=1)
    third = bring_back(target, place.work.with_name("third"))
    assert files(third.work) == files(again)


def test_nobody_else_may_read_a_backup(place: Place, target: Path) -> None:
    """It holds hashes of passwords, and who lives where."""
    taken = back_up(place, target)
    assert stat.S_IMODE(taken.path.stat().st_mode) & 0o077 == 0


def test_nothing_is_left_behind(place: Place, target: Path) -> None:
    back_up(place, target)
    assert not (place.work / snapshot.FOLDER).exists()
    assert [p.name for p in target.parent.iterdir()] == [target.name]


def test_the_archive_opens_with_tar(place: Place, tmp_path: Path) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("not here: zstd")
    back_up(place, tmp_path / "b.tar.zst")
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(  # noqa: S603  programs of the system
        ["tar", "--zstd", "-xf", tmp_path / "b.tar.zst", "-C", out],  # noqa: S607
        check=True,
    )
    assert files(out / "work") == files(place.work)


def test_in_a_folder_what_did_not_change_takes_no_room(
    place: Place, tmp_path: Path
) -> None:
    shelf = tmp_path / "backups"
    first = back_up(place, shelf)
    report = place.work / "p" / "reports" / "2024-11-02.json"
    report.write_text("{}")
    second = back_up(place, shelf, later=1)
    raster = "work/p/risk/t1/t1_2024-11-01_canopy-loss-probability.tif"
    assert (first.path / raster).samefile(second.path / raster)
    assert second.shared == first.head.files - 1  # all but the database
    # either one goes without the other
    shutil.rmtree(first.path)
    done = bring_back(shelf, place.work.with_name("again"))
    assert (done.work / "p" / "reports" / "2024-11-02.json").is_file()


def test_a_changed_file_leaves_the_older_backup_as_it_was(
    place: Place, tmp_path: Path
) -> None:
    shelf = tmp_path / "backups"
    first = back_up(place, shelf)
    report = place.work / "p" / "reports" / "2024-11-01.json"
    was = report.read_bytes()
    report.unlink()
    report.write_bytes(was.replace(b"-01", b"-09"))
    second = back_up(place, shelf, later=1)
    name = "work/p/reports/2024-11-01.json"
    assert (first.path / name).read_bytes() == was
    assert (second.path / name).read_bytes() == report.read_bytes()
    check(first.path, progress=SILENCE)


def test_an_interrupted_backup_is_no_backup(
    place: Place, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    back_up(place, target)
    before = files(target) if target.is_dir() else {"": target.read_bytes()}
    monkeypatch.setattr(snapshot, "check_unchanged", fail)
    with pytest.raises(KeyboardInterrupt):
        back_up(place, target, later=1)
    monkeypatch.undo()
    assert (files(target) if target.is_dir() else {"": target.read_bytes()}) == before
    back_up(place, target, later=2)
    check(target, progress=SILENCE)
    assert not list(target.parent.glob("*.part*"))


def test_a_spool_that_grows_meanwhile_is_cut_where_it_was(
    place: Place, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(place.work / "spool", segment_bytes=1 << 20)
    end = spool.end
    real = snapshot.check_unchanged

    def grow(kept: snapshot.Kept) -> None:
        spool.append([b"later"])
        real(kept)

    monkeypatch.setattr(snapshot, "check_unchanged", grow)
    back_up(place, target)
    monkeypatch.undo()
    spool.close()
    done = bring_back(target, place.work.with_name("again"))
    segment = done.work / "spool" / "000000000001.seg"
    assert segment.stat().st_size == end.byte
    with Spool(done.work / "spool", segment_bytes=1 << 20) as again:
        assert again.torn == 0
        assert again.end == end
    assert measure(place.work / "spool", end, spool.end) > 0


def test_a_file_written_in_place_is_refused(
    place: Place, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = place.work / "p" / "reports" / "2024-11-01.json"
    real = snapshot.check_unchanged

    def write(kept: snapshot.Kept) -> None:
        report.write_text("another hand\n")
        real(kept)

    monkeypatch.setattr(snapshot, "check_unchanged", write)
    with pytest.raises((SourceError, DataError), match="copied"):
        back_up(place, target)
    assert not target.is_file()
    assert not list(target.glob("2*"))


def test_a_state_replaced_meanwhile_is_taken_again(
    place: Place, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of one night and half of another is never what is taken."""
    store = place.work / "p" / "state.zarr"
    real, left = snapshot._give_name, [3]

    def commit(file: Path, name: Path) -> None:
        real(file, name)
        if "state.zarr" in str(file) and left[0]:
            left[0] -= 1
            ring = np.full((600, 300), left[0], dtype=np.int16)
            save_state(store, "t1-00", {"ring": ring}, {"crs": "EPSG:32649"})

    monkeypatch.setattr(snapshot, "_give_name", commit)
    monkeypatch.setattr(keep_backup, "_PAUSE", 0)
    back_up(place, target)
    monkeypatch.undo()
    assert left == [0]
    done = bring_back(target, place.work.with_name("again"))
    arrays, _ = load_state(done.work / "p" / "state.zarr", "t1-00") or ({}, {})
    assert (arrays["ring"] == 0).all()


def test_facts_and_files_belong_together(
    place: Place, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night that ends while files are named: the facts are copied again."""
    real, nights = snapshot.take_snapshot, [1, 2, 3]

    def end_night(*arguments: object) -> object:
        if nights:
            with sqlite3.connect(place.database) as database:
                database.execute(
                    "INSERT INTO run VALUES ('p', ?, 'c', 'done', '{}')",
                    (f"2024-11-{10 + nights.pop(0)}",),
                )
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshot, "take_snapshot", end_night)
    monkeypatch.setattr(keep_backup, "_PAUSE", 0)
    assert back_up(place, target).head.nights == {"p": "2024-11-13"}
    nights[:] = range(4, 4 + keep_backup.TRIES)
    with pytest.raises(SourceError, match="nights end faster"):
        back_up(place, target, later=1)


def test_storage_without_links_is_copied(
    place: Place, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr(os, "link", refuse)
    back_up(place, target)
    back_up(place, target, later=1)
    check(target, progress=SILENCE)


def test_one_backup_at_a_time(place: Place, target: Path) -> None:
    with (
        holding(place.work / ".backup.lock", "x"),
        pytest.raises(LockedError, match="another backup"),
    ):
        back_up(place, target)


def test_what_cannot_be_backed_up_is_said(place: Place, tmp_path: Path) -> None:
    missing = replace(place.source, work=tmp_path / "none")
    with pytest.raises(ConfigurationError, match="no such work folder"):
        write_backup(missing, tmp_path / "b", now=NOW, progress=SILENCE)
    place.database.unlink()
    with pytest.raises(ConfigurationError, match="no such database"):
        back_up(place, tmp_path / "b")
    place.database.write_bytes(b"\xff" * 8192)
    with pytest.raises(ConfigurationError, match="not a sound database"):
        back_up(place, tmp_path / "b")
    assert not (tmp_path / "b").exists()
    with pytest.raises(NoInputError, match="no such backup"):
        bring_back(tmp_path / "b", tmp_path / "w")


def test_a_backup_may_be_written_into_the_work_folder(place: Place) -> None:
    shelf = place.work / "backups"
    back_up(place, shelf)
    second = back_up(place, shelf, later=1)
    assert not (second.path / "work" / "backups").exists()


def test_backups_in_the_work_folder_are_left_out_by_any_name(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(place.work)
    first = back_up(place, tmp_path / "link" / "backups")
    second = back_up(place, tmp_path / "link" / "backups", later=60)
    assert second.head.files == first.head.files


def test_where_a_disk_is_mounted_nothing_is_moved(
    place: Place, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(place, target)
    before = files(place.work)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == place.work)
    with pytest.raises(ConfigurationError, match=f"--work {place.work / 'work'}"):
        bring_back(target, place.work, replace=True)
    assert files(place.work) == before


def test_a_folder_that_is_there_is_not_overwritten(place: Place, target: Path) -> None:
    back_up(place, target)
    before = files(place.work)
    with pytest.raises(ConfigurationError, match="is not empty"):
        bring_back(target, place.work)
    assert files(place.work) == before
    (place.work / "p" / "reports" / "2024-11-01.json").write_text("later")
    done = bring_back(target, place.work, replace=True)
    assert done.before is not None
    assert (done.before / "p/reports/2024-11-01.json").read_text() == "later"
    assert b"2024-11-01" in files(place.work)["p/reports/2024-11-01.json"]


def test_facts_go_to_a_file_elsewhere(place: Place, target: Path) -> None:
    back_up(place, target)
    file = place.work.with_name("facts") / "own.db"
    done = bring_back(target, place.work.with_name("again"), database=file)
    assert not (done.work / "agroforest.db").exists()
    assert rows(file) == rows(place.database)
    with pytest.raises(ConfigurationError, match="is there already"):
        bring_back(target, place.work.with_name("third"), database=file)
    assert not place.work.with_name("third").exists()


def test_facts_are_not_put_beside_what_sqlite_left(place: Place, target: Path) -> None:
    back_up(place, target)
    left = place.work.with_name("own.db-wal")
    left.write_bytes(b"of a database that is gone")
    with pytest.raises(ConfigurationError, match=r"own\.db-wal: is there already"):
        bring_back(target, place.work.with_name("a"), database=left.with_name("own.db"))


def test_facts_do_not_stay_where_the_folder_could_not_stand(
    place: Place, target: Path
) -> None:
    back_up(place, target)
    taken = place.work.with_name(f"{place.work.name}.before-2024-11-03T020000Z")
    (taken / "other").mkdir(parents=True)
    file = place.work.with_name("own.db")
    with pytest.raises(SourceError, match="could not be restored"):
        bring_back(target, place.work, database=file, replace=True)
    assert not file.exists()
    assert (place.work / "agroforest.db").exists()


def test_messages_on_their_way_are_counted_or_dropped(
    place: Place, target: Path
) -> None:
    with open_store(place.database) as store:
        store.desk.add_messages(
            [make_message("a"), make_message("b", delivery=Delivery.SENT)]
        )
    back_up(place, target)
    assert bring_back(target, place.work.with_name("one")).unsent == 1
    done = bring_back(target, place.work.with_name("two"), keep_unsent=False)
    assert done.unsent == 1
    with sqlite3.connect(done.work / "agroforest.db") as database:
        found = database.execute("SELECT key, delivery FROM message ORDER BY 1")
        assert found.fetchall() == [("a", "dropped"), ("b", "sent")]


def test_commands(place: Place, target: Path) -> None:
    def call(*arguments: object) -> str:
        ended = CliRunner().invoke(app, [str(a) for a in arguments])
        assert ended.exception is None, ended.output
        return ended.stdout

    said = call("backup", target, f"--work={place.work}", "-p", place.pipeline)
    assert "p: 截至 up to 2024-11-01" in said
    assert "完好 sound" in call("restore", target, "--check")
    again = place.work.with_name("again")
    assert "已恢复 restored" in call("restore", target, f"--work={again}")
    assert rows(again / "agroforest.db") == rows(place.database)
