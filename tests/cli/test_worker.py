"""``agroforest worker`` and ``--scheduler``: what is refused before anything starts."""

from pathlib import Path

import pytest
from tests.cli.test_commands import call

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
