"""The block in a crontab: ours alone is touched, and asking again changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agroforest.core.errors import ConfigurationError
from agroforest.schedule.crontab import (
    build_block,
    find_local_time,
    read_blocks,
    replace_block,
)
from agroforest.schedule.job import Job, mark
from agroforest.schedule.timetable import parse_timetable

PROGRAM = ("/opt/agroforest/bin/agroforest",)
NOW = datetime(2024, 11, 1, tzinfo=UTC)

# Lines of others, some of which look like ours.
OTHERS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "MAILTO=root",
                "# m h dom mon dow command",
                "0 2 * * * agroforest nightly mine.toml",
                "# agroforest schedule of gaofeng ends here",
                "",
            ]
        ),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n")),
    )
).map(lambda lines: "".join(f"{line}\n" for line in lines))


def test_the_block_is_this(job: Job) -> None:
    block = build_block(job, PROGRAM, time(18, 5))
    assert block.splitlines() == [
        mark(job),
        f"5 18 * * * {PROGRAM[0]} nightly {job.pipeline} --catch-up --work={job.work}",
        "# agroforest schedule of gaofeng ends here",
    ]


def test_scenes_come_first_and_a_folder_names_the_user(job: Job) -> None:
    job = replace(job, incoming=Path("/srv/in coming"))
    line = build_block(job, PROGRAM, time(2), user="forest").splitlines()[1]
    assert line.startswith(
        f"0 2 * * * forest {PROGRAM[0]} scenes add '/srv/in coming' --work={job.work}; "
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=OTHERS, after=OTHERS)
def test_lines_of_others_stay(job: Job, before: str, after: str) -> None:
    block = build_block(job, PROGRAM, time(2))
    changed = build_block(job, PROGRAM, time(3))
    other = build_block(replace(job, name="nanning"), PROGRAM, time(2))
    crontab = replace_block(before + other, "gaofeng", block) + after
    assert replace_block(crontab, "gaofeng", block) == crontab
    assert (
        replace_block(crontab, "gaofeng", changed) == before + other + changed + after
    )
    assert replace_block(crontab, "gaofeng", "") == before + other + after
    assert {j.name for j in read_blocks(crontab)} == {"gaofeng", "nanning"}


def test_a_last_line_without_its_end_stays_whole(job: Job) -> None:
    block = build_block(job, PROGRAM, time(2))
    assert replace_block("0 1 * * * backup", "gaofeng", block) == (
        f"0 1 * * * backup\n{block}"
    )


def test_a_block_that_somebody_cut_is_not_guessed_at(job: Job) -> None:
    crontab = f"{mark(job)}\n0 1 * * * backup\n"
    with pytest.raises(ConfigurationError, match="has no end"):
        replace_block(crontab, "gaofeng", "")


def test_more_than_cron_reads_is_refused(job: Job) -> None:
    long = replace(job, pipeline=Path("/" + "a" * 1000))
    with pytest.raises(ConfigurationError, match="cron takes 998"):
        build_block(long, PROGRAM, time(2))


@pytest.mark.parametrize(
    ("zone", "machine", "expected"),
    [
        ("Asia/Shanghai", "UTC", time(18, 30)),
        ("Asia/Shanghai", "Asia/Shanghai", time(2, 30)),
        ("Europe/Berlin", "Europe/Paris", time(2, 30)),
        ("Asia/Shanghai", "Asia/Kolkata", time(0, 0)),
    ],
)
def test_cron_is_told_the_time_of_the_machine(
    zone: str, machine: str, expected: time
) -> None:
    table = parse_timetable("02:30" if "Paris" not in machine else "04:30", zone)
    found = find_local_time(table, NOW, ZoneInfo(machine))
    assert found == (expected if "Paris" not in machine else time(4, 30))


def test_zones_that_do_not_go_together_are_refused() -> None:
    table = parse_timetable("02:30", "Europe/Berlin")
    with pytest.raises(ConfigurationError, match=r"not the same time.*all year"):
        find_local_time(table, NOW, ZoneInfo("Asia/Shanghai"))
