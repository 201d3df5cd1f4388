"""A short run of the fuzzer; `make fuzz` is the long one."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fuzz.run import ROOT
from tests.fuzz.targets import TARGETS
from tests.lacking import lacking

from agroforest.testing.reliability import record

_RUNS = 1000
_LINE = re.compile(
    r"(?P<name>\S+) +(?P<runs>[\d,]+) runs +[\d,]+ branches +(?P<said>.+)"
)


@pytest.mark.slow
def test_no_reader_breaks_at_changed_input(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        raise lacking("atheris (pip install atheris)")
    said = subprocess.run(  # noqa: S603  ours
        [
            *(sys.executable, "-m", "tests.fuzz.run"),
            *("--runs", str(_RUNS), "--seed", "8", "--jobs", "1"),
            *("--findings", str(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {m["name"]: m for m in _LINE.finditer(said.stdout)}
    for name, match in sorted(found.items()):
        tried = int(match["runs"].replace(",", ""))
        broke = match["said"] != "nothing found"
        record("fuzz", name, tried=tried, survived=tried - broke)
    assert said.returncode == 0, said.stdout + said.stderr
    assert found.keys() == TARGETS.keys()
