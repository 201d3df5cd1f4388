"""``agroforest worker`` and ``--scheduler``: what is refused before anything starts."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agroforest.cli.worker import _settings
from agroforest.testing.commands import run_command as call

_PIPELINE = """
name = "p"
aoi = "a.geojson"
[baseline]
start = 2022-01-01
end = 2023-12-31
"""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tcp://10.9.8.7:8786"], "whoever reaches the port runs programs"),
        (["tls://10.9.8.7:8786"], "needs certificates"),
        (["10.9.8.7:8786"], "is no scheduler"),
        (["tcp://127.0.0.1:1", "--work", "none"], "none: is no folder"),
        (["tcp://127.0.0.1:1", "--mount", "x"], "is not PATH=PATH"),
        (["tcp://no.such.host.invalid:1", "--insecure"], "cannot be found"),
    ],
)
def test_a_worker_refuses_in_one_line(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    ended = call("worker", *arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://10.9.8.7:8786", "whoever reaches the port runs programs"),
        ("tls://10.9.8.7:8786", "needs certificates"),
    ],
)
def test_a_night_refuses_the_same_schedulers(
    tmp_path: Path, address: str, words: str
) -> None:
    (tmp_path / "p.toml").write_text(_PIPELINE)
    night = ("nightly", "p.toml", "--night", "2024-02-01", "--scheduler", address)
    ended = call(*night, cwd=tmp_path)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_workers_are_not_slowed_by_dasks_own_environment() -> None:
    show = "import dask, distributed; print(dask.config.get(%r))"
    key = "distributed.nanny.pre-spawn-environ"
    given = subprocess.run(  # noqa: S603  our own words
        [sys.executable, "-c", show % key],
        env={**os.environ, **_settings(2)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # An allocator that returns memory at every chance doubles the time of a night.
    assert ast.literal_eval(given)["MALLOC_TRIM_THRESHOLD_"] is None
    assert _settings(2)["OMP_NUM_THREADS"] == "2"
