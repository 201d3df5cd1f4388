"""Checks of who runs nights, and of locks that nobody holds."""

from collections.abc import Iterable
from datetime import datetime

from agroforest.core.execution import Execution
from agroforest.health.finding import Finding, fail, warn, well
from agroforest.health.standing import is_running
from agroforest.schedule.heartbeat import Heartbeat


def check_schedule(
    names: Iterable[str],
    installed: Iterable[str],
    beat: Heartbeat | None,
    now: datetime,
) -> list[Finding]:
    """Whether somebody runs each pipeline.

    Parameters
    ----------
    names
        Pipelines.
    installed
        Those with a timer or a cron line.
    beat
        Sign of life of a foreground scheduler, if there is one.
    now
        The time, UTC.
    """
    names, known = set(names), set(installed)
    if beat is not None and not beat.is_alive(now):
        return [
            fail(
                "schedule",
                f"调度进程自 {beat.beat:%Y-%m-%d %H:%M} UTC 起没有心跳",
                f"the scheduler is silent since {beat.beat:%Y-%m-%d %H:%M} UTC",
                "start it again: agroforest schedule run PIPELINE.toml",
            )
        ]
    if beat is not None:
        known |= set(beat.pipelines)
    lacking = sorted(names - known)
    if lacking:
        return [
            warn(
                "schedule",
                f"{name} 没有定时任务",
                f"nobody runs {name}",
                "agroforest schedule install PIPELINE.toml",
            )
            for name in lacking
        ]
    if not (names or known):
        return [well("schedule", "没有需要定时运行的任务", "there is nothing to run")]
    return [well("schedule", "定时任务已安装", "nights are scheduled")]


def check_runs(tries: Iterable[Execution]) -> list[Finding]:
    """Whether a try at a night that says it runs is alive."""
    return [
        warn(
            "runs",
            f"{each.pipeline} {each.night} 的进程 {each.pid} 已不在",
            f"{each.pipeline} {each.night}: process {each.pid} is gone",
            "agroforest nightly PIPELINE.toml --catch-up does the rest; "
            "its lock went with it",
        )
        for each in tries
        if not is_running(each)
    ]
