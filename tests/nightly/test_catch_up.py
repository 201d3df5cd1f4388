"""A machine that was off: the nights it missed are run as if it had been on."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.nightly.conftest import Site
from tests.nightly.outcome import look
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.testing.reliability import record

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

# The first of the nights that are missed has scenes, changes of alerts and a map.
BEFORE, AFTER = date(2024, 10, 31), date(2024, 11, 3)


def catch_up(site: Site, night: date) -> list[str]:
    """Nights that a command, given one late evening, ran or looked at."""
    ended = CliRunner().invoke(
        app,
        [
            "nightly",
            str(site.world.pipeline),
            "--catch-up",
            f"--to={night}",
            f"--work={site.work}",
            "--json",
        ],
    )
    assert ended.exit_code == 0, ended.output
    return [json.loads(line)["night"] for line in ended.stdout.splitlines()]


@pytest.mark.usefixtures("alone")
def test_three_nights_that_were_missed_are_run_in_order(
    site: Site, tmp_path: Path
) -> None:
    off = Site(world=site.world, work=tmp_path / "off")
    catch_up(site, BEFORE)  # the first time, there is nothing to catch up with
    shutil.copytree(site.work, off.work)
    nights = [BEFORE + timedelta(days=n) for n in (1, 2, 3)]
    for night in nights:
        assert catch_up(site, night) == [str(night)]

    assert catch_up(off, AFTER) == [str(night) for night in nights]

    left, expected = look(off.work), look(site.work)
    assert {f"{site.pipeline.name}/maps/{night}.html" for night in nights} <= set(left)
    same = left == expected
    record(
        "fault",
        "machine off for three nights",
        tried=len(nights),
        survived=len(nights) if same else 0,
        note="files and rows equal to those of a machine that was on every night",
    )
    assert same, [k for k in {*left, *expected} if left.get(k) != expected.get(k)]
