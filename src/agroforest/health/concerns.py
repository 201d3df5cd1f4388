"""What of a standing needs a person, and what to do about it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from agroforest.core.execution import ExecutionStatus
from agroforest.health.standing import Disk, PipelineStanding, Standing

#: A probe that reports by the hour has missed a day. Arbitrary.
SILENT = timedelta(days=1)
#: One that has been silent for so long was taken down.
GONE = timedelta(days=60)
#: Room in the work folder below which nights may end half done: a share, and 2 GiB.
#: Arbitrary.
LEAST_SHARE, LEAST_BYTES = 0.05, 2 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """Something that needs a person.

    Attributes
    ----------
    subject
        The pipeline, or ``messages``, ``sensors``, ``scheduler``, ``disk``.
    zh, en
        What it is.
    remedy
        A command, or where to look.
    """

    subject: str
    zh: str
    en: str
    remedy: str


def find_concerns(standing: Standing) -> list[Concern]:
    """Find what needs a person; nothing if all is well."""
    return [
        *(c for one in standing.pipelines for c in _of_pipeline(one)),
        *_of_messages(standing),
        *_of_sensors(standing),
        *_of_scheduler(standing),
        *_of_disk(standing.disk),
    ]


def find_silent(standing: Standing) -> list[str]:
    """Sensors that were heard in the last `GONE`, but not in the last `SILENT`."""
    return sorted(
        sensor
        for sensor, newest in standing.sensors.items()
        if newest is not None and SILENT < standing.now - newest < GONE
    )


def is_full(disk: Disk) -> bool:
    """Whether there is too little room for a night."""
    return disk.share < LEAST_SHARE or disk.free < LEAST_BYTES


def _of_pipeline(one: PipelineStanding) -> Iterator[Concern]:
    if one.ended:
        return
    again = "agroforest nightly PIPELINE.toml --catch-up"
    if one.missed and not one.running:
        first, count = one.missed[0], len(one.missed)
        yield Concern(
            subject=one.name,
            zh=f"漏跑 {count} 夜，自 {first}",
            en=f"{count} nights missed, from {first}",
            remedy=again,
        )
    tried = one.execution
    if one.killed and tried is not None:
        yield Concern(
            subject=one.name,
            zh=f"{tried.night} 的运行被中断（进程 {tried.pid} 已不在）",
            en=f"the run of {tried.night} was killed (process {tried.pid} is gone)",
            remedy=again,
        )
    elif tried is not None and tried.status is ExecutionStatus.FAILED:
        yield Concern(
            subject=one.name,
            zh=f"{tried.night} 运行失败：{tried.error}",
            en=f"the run of {tried.night} failed: {tried.error}",
            remedy=again,
        )
    elif one.status in {ExecutionStatus.PARTIAL, ExecutionStatus.STOPPED}:
        yield Concern(
            subject=one.name,
            zh=f"{one.last_night} 未全部完成（{one.status}）",
            en=f"the night of {one.last_night} is not whole ({one.status})",
            remedy="see gaps in its report; the next night tries again",
        )
    if one.set_aside:
        yield Concern(
            subject=one.name,
            zh=f"{one.set_aside} 个瓦片输入已搁置",
            en=f"{one.set_aside} inputs of tiles set aside",
            remedy="agroforest redrive PIPELINE.toml --list",
        )


def _of_messages(standing: Standing) -> Iterator[Concern]:
    messages = standing.messages
    if messages.overdue:
        yield Concern(
            subject="messages",
            zh=f"{messages.overdue} 条消息早该发出",
            en=f"{messages.overdue} messages are overdue, "
            f"the first since {messages.oldest_due:%Y-%m-%d %H:%M} UTC",
            remedy="agroforest notify send --config desk.toml",
        )
    if messages.failed:
        yield Concern(
            subject="messages",
            zh=f"{messages.failed} 条消息发送失败",
            en=f"{messages.failed} messages failed",
            remedy="agroforest notify status --config desk.toml, then notify again",
        )


def _of_sensors(standing: Standing) -> Iterator[Concern]:
    silent = find_silent(standing)
    if silent:
        named = ", ".join(silent[:5]) + (" …" if len(silent) > 5 else "")
        yield Concern(
            subject="sensors",
            zh=f"{len(silent)} 个传感器超过一天没有数据：{named}",
            en=f"{len(silent)} sensors silent for more than a day: {named}",
            remedy="agroforest sensors status",
        )


def _of_scheduler(standing: Standing) -> Iterator[Concern]:
    beat = standing.heartbeat
    if beat is not None and not beat.is_alive(standing.now):
        yield Concern(
            subject="scheduler",
            zh=f"调度进程自 {beat.beat:%m-%d %H:%M} UTC 起没有心跳",
            en=f"the scheduler has been silent since {beat.beat:%Y-%m-%d %H:%M} UTC",
            remedy="start it again: agroforest schedule run PIPELINE.toml",
        )


def _of_disk(disk: Disk | None) -> Iterator[Concern]:
    if disk is None:
        yield Concern(
            subject="disk",
            zh="无法读取工作目录",
            en="the work folder cannot be read",
            remedy="mount it, or give --work",
        )
    elif is_full(disk):
        yield Concern(
            subject="disk",
            zh=f"磁盘仅剩 {disk.free / 1e9:.1f} GB（{disk.share:.0%}）",
            en=f"{disk.free / 1e9:.1f} GB left ({disk.share:.0%})",
            remedy="agroforest prune, or give it more room",
        )
