"""The walk through a night on the page about soil and water."""

import json
import re
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from agroforest.cli import main

PAGE = Path(__file__).resolve().parents[3] / "docs" / "soil-and-water.md"
COMMANDS = ("agroforest nightly ", "agroforest water advise", "agroforest sensors st")


def test_files_and_commands_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    files = re.findall(
        r"^`([\w.]+)`:\n\n```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    )
    assert [name for name, _ in files] == [
        "area.geojson",
        "fields.toml",
        "daily.toml",
        "irrigation.csv",
    ]
    for name, content in files:
        (tmp_path / name).write_text(content, encoding="utf-8")
    rng = np.random.default_rng(4)
    lines = ["date,maxtemp,mintemp,minrh,avgws,precipitation"]
    for n in range(120):
        day = date(2024, 2, 25) + timedelta(days=n)
        rain = 20.0 * float(rng.random() < 0.1)
        lines.append(f"{day},{28 + n / 30:.1f},{19 + n / 30:.1f},55,2.0,{rain}")
    (tmp_path / "daily.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    commands = [line for line in text.splitlines() if line.startswith(COMMANDS)]
    assert len(commands) == 5
    told = []
    for command in commands:
        monkeypatch.setattr(sys, "argv", command.split())
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, capsys.readouterr().err
        told.append(capsys.readouterr().out)
    assert "p3" in told[1]
    assert "field 3, sugarcane" in told[1]
    document = json.loads(told[2])
    assert document["parcels"][0]["last_irrigation"] == "2024-05-20"
    written = {path.name for path in (tmp_path / "work/fields/water").rglob("*.*")}
    assert {"2024-06-10.json", "p3.csv", "p3.json"} <= written
