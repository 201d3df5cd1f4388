"""Settings, tables and databases that others wrote."""

import sqlite3
from functools import partial
from pathlib import Path

from tests.security.proving import assert_kept, assert_refused, prove, run_confined

from agroforest.store import open_store
from agroforest.store.schema import VERSION_TABLE
from agroforest.testing.world import END

_BASELINE = "[baseline]\nstart = 2022-01-01\nend = 2023-12-31\n"
_HEAD = 'name = "p"\naoi = "a.geojson"\n'
_TABLE = "sensor,time,variable,depth_m,value,unit\n"
_ROW = "a,2024-05-01T00:00:00Z,soil_moisture,0.1,25,%\n"


def test_settings(tmp_path: Path) -> None:
    def plan(text: str | bytes) -> None:
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "p.toml").write_bytes(content)
        night = ("--night", f"{END:%Y-%m-%d}", "--work", "w")
        ended = run_confined("plan", "p.toml", *night, cwd=tmp_path)
        assert_refused(ended, "p.toml", codes=(2,))

    long = "9" * 5000
    texts: dict[str, str | bytes] = {
        "a number of 5,000 digits": f"a = {long}\n",
        "a float of 5,000 digits": f"{_HEAD}{_BASELINE}[grid]\nresolution = {long}.0\n",
        "no number": f"{_HEAD}{_BASELINE}[grid]\nresolution = nan\n",
        "infinity": f"{_HEAD}{_BASELINE}[mask]\ndilate_m = inf\n",
        "a negative size": f"{_HEAD}{_BASELINE}[grid]\ntile_size = -1\n",
        "pixels of a nanometre": f"{_HEAD}{_BASELINE}[grid]\nresolution = 0.0\n",
        "unknown keys": f"{_HEAD}run = 'rm -rf /'\n{_BASELINE}",
        "an unknown table": f"{_HEAD}{_BASELINE}[hooks]\nafter = 'sh'\n",
        "the wrong kind": f"name = [1]\n{_BASELINE}",
        "nested 100,000 deep": "a = " + "[" * 100_000,
        "tables 5,000 deep": "[" + ".".join("a" * 5000) + "]\nb = 1\n",
        "not UTF-8": b"\xff\xfen\x00a\x00",
        "zero bytes": b"\0" * 4096,
        "not TOML": "{" * 10_000,
        "empty": "",
        "a key twice": f"{_HEAD}name = 'q'\n{_BASELINE}",
        "a date that is none": f"{_HEAD}[baseline]\nstart = 2022-02-31\n",
        "history that ends before it begins": (
            f"{_HEAD}[baseline]\nstart = 2024-01-01\nend = 2020-01-01\n"
        ),
    }
    prove(
        "settings (numbers without end, NaN, unknown keys, depth, encodings)",
        {name: partial(plan, text) for name, text in texts.items()},
        "refused in one line that names the file",
    )


def test_tables(tmp_path: Path) -> None:
    def take(content: bytes) -> None:
        (tmp_path / "a.csv").write_bytes(content)
        ended = run_confined("sensors", "import", "a.csv", "--work", "w", cwd=tmp_path)
        assert_kept(ended)
        assert len(ended.said) < 20_000

    whole = (_TABLE + _ROW).encode()
    contents = {
        "zero bytes": whole.replace(b"25", b"2\x005"),
        "a heading with a zero byte": whole.replace(b"unit", b"un\x00it"),
        "a line of 10 MB": whole + b"b" * (10 << 20) + b",1\n",
        "a cell of 10 MB": whole + b'"' + b"c" * (10 << 20) + b'",1,2,3,4,5\n',
        "a quote that never ends": whole + b'"' + b"d,\n" * 1_000_000,
        "a million commas": whole + b"," * 1_000_000,
        "UTF-16": (_TABLE + _ROW).encode("utf-16"),
        "UTF-16 without a mark": (_TABLE + _ROW).encode("utf-16-le"),
        "no text at all": bytes(range(256)) * 100,
        "returns alone": whole.replace(b"\n", b"\r"),
        "returns within": whole.replace(b"time", b"ti\rme"),
        "colours of a terminal": whole.replace(b"a,2024", b"\x1b[31m,2024"),
        "numbers of 5,000 digits": whole.replace(b"25", b"9" * 5000),
        "no number": whole.replace(b"25", b"nan"),
        "infinity": whole.replace(b"25", b"1e999"),
        "a year of 9999": whole.replace(b"2024-05", b"9999-12"),
        "JSON 100,000 deep": b"[" * 100_000,
    }
    prove(
        "CSV (zero bytes, 10 MB lines, UTF-16, quotes without end)",
        {name: partial(take, content) for name, content in contents.items()},
        "rows set aside, or refused in one line",
    )


def test_databases(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(_TABLE + _ROW)

    def open_it(make: object) -> None:
        path = tmp_path / "x.db"
        path.unlink(missing_ok=True)
        assert callable(make)
        make(path)
        place = ("--database", str(path))
        ended = run_confined("sensors", "import", "a.csv", *place, cwd=tmp_path)
        assert_refused(ended, codes=(1, 2))

    def execute(path: Path, *statements: str) -> None:
        with sqlite3.connect(path) as line:
            for statement in statements:
                line.execute(statement)
        line.close()

    def damaged(path: Path) -> None:
        with open_store(path):
            pass
        content = bytearray(path.read_bytes())
        content[100:4000] = b"\xff" * 3900
        path.write_bytes(content)

    def another_version(path: Path) -> None:
        with open_store(path):
            pass
        execute(path, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")  # noqa: S608  ours

    prove(
        "a database of another program, of another release, or damaged",
        {
            "another program's": partial(
                open_it, lambda p: execute(p, "CREATE TABLE alert (id INTEGER)")
            ),
            "another program's versions": partial(
                open_it,
                lambda p: execute(
                    p,
                    "CREATE TABLE alembic_version (version_num TEXT)",
                    "INSERT INTO alembic_version VALUES ('deadbeef')",
                ),
            ),
            "a later release's": partial(open_it, another_version),
            "damaged": partial(open_it, damaged),
            "no database": partial(open_it, lambda p: p.write_text("root:x:0:0" * 99)),
            "a folder": partial(
                open_it, lambda p: (p.with_suffix(".d").mkdir(exist_ok=True),
                                    p.symlink_to(p.with_suffix(".d"))),
            ),
        },
        "refused in one line; its tables stay as they were",
    )  # fmt: skip
