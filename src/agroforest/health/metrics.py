"""A standing as figures for Prometheus.

Names follow its conventions: base units in the name, ``_total`` of counters alone.
Labels are pipelines, hazards and a few words: never ids.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agroforest import __version__
from agroforest.core.execution import ExecutionStatus
from agroforest.core.files import replacing
from agroforest.health.concerns import find_silent
from agroforest.health.standing import PipelineStanding, Standing

#: What is answered, as the text format wants it.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_JOULES_PER_KWH = 3.6e6
_STATES = (*map(str, ExecutionStatus), "killed")


class _Given(Collector):
    """Figures that are known already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        """Give them."""
        return self._families


def render_metrics(standing: Standing) -> bytes:
    """Write a standing in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Given(_families(standing)))
    return generate_latest(registry)


def write_metrics(path: Path, standing: Standing) -> None:
    """Write a standing for the textfile collector of node_exporter, in one step."""
    with replacing(path) as scratch:
        scratch.write_bytes(render_metrics(standing))
        scratch.chmod(0o644)  # the exporter is another user


def _families(standing: Standing) -> Iterator[Metric]:
    build = GaugeMetricFamily(
        "agroforest_build_info", "Release that wrote this.", labels=["version"]
    )
    build.add_metric([__version__], 1)
    yield build
    yield _gauge(
        "agroforest_collected_timestamp_seconds",
        "When these figures were true.",
        standing.now.timestamp(),
    )
    yield from _nights(standing)
    yield from _counts(standing.pipelines)
    yield from _costs(standing.pipelines)
    yield from _messages(standing)
    yield from _sensors(standing)
    yield from _machine(standing)


def _nights(standing: Standing) -> Iterator[Metric]:
    ones = standing.pipelines
    yield _each(
        "agroforest_last_success_timestamp_seconds",
        "When the newest night without a failure ended.",
        ((p.name, _stamp(p.last_success)) for p in ones),
    )
    yield _each(
        "agroforest_last_night_timestamp_seconds",
        "Start (UTC) of the newest night on record.",
        ((p.name, _midnight(p)) for p in ones),
    )
    yield _each(
        "agroforest_night_lag_days",
        "Days from the newest night on record to tonight.",
        ((p.name, p.lag_days(standing.now)) for p in ones),
    )
    yield _each(
        "agroforest_nights_missed",
        "Nights that are over and were not run.",
        ((p.name, len(p.missed)) for p in ones),
    )
    yield _each(
        "agroforest_night_running",
        "1 while a process is at work on a night.",
        ((p.name, int(p.running)) for p in ones),
    )
    status = GaugeMetricFamily(
        "agroforest_last_execution_status",
        "1 for how the newest try at a night stands.",
        labels=["pipeline", "status"],
    )
    for p in ones:
        if p.execution is not None:
            stands = "killed" if p.killed else str(p.execution.status)
            for word in _STATES:
                status.add_metric([p.name, word], int(word == stands))
    yield status


def _counts(ones: Iterable[PipelineStanding]) -> Iterator[Metric]:
    ones = tuple(ones)
    tiles = GaugeMetricFamily(
        "agroforest_last_night_tasks",
        "Tasks of the newest night by how they ended.",
        labels=["pipeline", "status"],
    )
    alerts = GaugeMetricFamily(
        "agroforest_open_alerts", "Open alerts.", labels=["pipeline", "hazard"]
    )
    for p in ones:
        for word in sorted({"done", "failed", *p.tiles}):
            tiles.add_metric([p.name, word], p.tiles.get(word, 0))
        for hazard, count in sorted(p.alerts.items()):
            alerts.add_metric([p.name, hazard], count)
    yield tiles
    yield alerts
    yield _each(
        "agroforest_inputs_set_aside",
        "Inputs of tiles that no attempt survived.",
        ((p.name, p.set_aside) for p in ones),
    )
    yield _each(
        "agroforest_last_night_inputs_quarantined",
        "Scenes and files put into quarantine on the newest night.",
        ((p.name, p.quarantined) for p in ones),
    )


def _costs(ones: Iterable[PipelineStanding]) -> Iterator[Metric]:
    ones = tuple(ones)
    last = [(p.name, p.execution.cost) for p in ones if p.execution is not None]
    yield _each(
        "agroforest_last_execution_seconds",
        "Wall time of the newest try at a night.",
        ((name, cost.seconds) for name, cost in last),
    )
    yield _each(
        "agroforest_last_execution_energy_joules",
        "Energy of the newest try at a night.",
        ((name, cost.energy_kwh * _JOULES_PER_KWH) for name, cost in last),
    )
    yield _each(
        "agroforest_last_execution_carbon_grams",
        "CO2 (equivalent) of the newest try at a night.",
        ((name, cost.carbon_g) for name, cost in last),
    )
    energy = CounterMetricFamily(
        "agroforest_energy_joules",
        "Energy of all tries on record.",
        labels=["pipeline"],
    )
    carbon = CounterMetricFamily(
        "agroforest_carbon_grams", "CO2 of all tries on record.", labels=["pipeline"]
    )
    for p in ones:
        energy.add_metric([p.name], p.energy_kwh * _JOULES_PER_KWH)
        carbon.add_metric([p.name], p.carbon_g)
    yield energy
    yield carbon


def _messages(standing: Standing) -> Iterator[Metric]:
    messages = standing.messages
    yield _gauge(
        "agroforest_messages_unsent", "Messages on their way.", messages.waiting
    )
    yield _gauge(
        "agroforest_messages_overdue", "Messages held up for hours.", messages.overdue
    )
    yield _gauge(
        "agroforest_messages_failed", "Messages given up lately.", messages.failed
    )
    yield _gauge(
        "agroforest_dead_letters",
        "Sensor messages that could not be read.",
        standing.dead_letters,
    )


def _sensors(standing: Standing) -> Iterator[Metric]:
    times = [t for t in standing.sensors.values() if t is not None]
    yield _gauge("agroforest_sensors", "Sensors on record.", len(standing.sensors))
    yield _gauge(
        "agroforest_sensors_silent",
        "Sensors without a reading for a day.",
        len(find_silent(standing)),
    )
    if times:
        yield _gauge(
            "agroforest_newest_reading_timestamp_seconds",
            "Time of the newest reading of any sensor.",
            max(times).timestamp(),
        )


def _machine(standing: Standing) -> Iterator[Metric]:
    disk, beat = standing.disk, standing.heartbeat
    if disk is not None:
        yield _gauge(
            "agroforest_work_free_bytes", "Room for the work folder.", disk.free
        )
        yield _gauge(
            "agroforest_work_size_bytes", "Size of its file system.", disk.total
        )
        yield _gauge(
            "agroforest_work_free_inodes", "Files it can still hold.", disk.free_inodes
        )
    if beat is not None:
        yield _gauge(
            "agroforest_scheduler_beat_timestamp_seconds",
            "Last sign of life of the foreground scheduler.",
            beat.beat.timestamp(),
        )


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)


def _each(name: str, says: str, values: Iterable[tuple[str, float | None]]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=["pipeline"])
    for pipeline, value in values:
        if value is not None:
            family.add_metric([pipeline], value)
    return family


def _stamp(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()


def _midnight(one: PipelineStanding) -> float | None:
    if one.last_night is None:
        return None
    return datetime.fromisoformat(f"{one.last_night}T00:00+00:00").timestamp()
