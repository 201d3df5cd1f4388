"""Everything the doctor looks at, in order."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from agroforest.core.config import Pipeline, read_pipeline
from agroforest.core.errors import AgroforestError
from agroforest.core.execution import Execution, ExecutionStatus
from agroforest.core.redaction import redact
from agroforest.desk.settings import read_desk
from agroforest.health import questions
from agroforest.health.checks import (
    broker,
    database,
    files,
    machine,
    schedule,
    software,
)
from agroforest.health.finding import Finding, Level, fail, well
from agroforest.listen.settings import read_listen_settings
from agroforest.nightly.workplace import Workplace
from agroforest.notify.acknowledge import KEY_FILE
from agroforest.schedule.crontab import read_blocks
from agroforest.schedule.heartbeat import read_heartbeat
from agroforest.schedule.installed import (
    SYSTEM_CRON,
    SYSTEM_UNITS,
    find_files,
    read_crontab,
    user_units,
)
from agroforest.store import open_store


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """What is looked at.

    Attributes
    ----------
    work
        The work folder.
    database
        Path or address.
    pipelines
        Definitions.
    desk, listener
        Settings; ``None`` leaves them out.
    now
        The time, UTC.
    checksums
        Whether every file on record is read.
    fix
        Whether scratch files of killed processes are removed.
    """

    work: Path
    database: str
    now: datetime
    pipelines: tuple[Path, ...] = ()
    desk: Path | None = None
    listener: Path | None = None
    checksums: bool = False
    fix: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Memory:
    """What the ledger remembers; nothing where it cannot be read."""

    nights: dict[str, date | None]
    running: tuple[Execution, ...] = ()
    outputs: dict[str, str] | None = None


def examine(patient: Patient) -> list[Finding]:
    """Look at everything; a check that fails itself is a finding, too."""
    found = list(_machine(patient))
    found += _guarded("gdal", lambda: [software.check_gdal()])
    found += _guarded("libraries", lambda: [software.check_versions()])
    found += _guarded("models", software.check_models)
    found += _pipelines(patient)
    of_database = _guarded(
        "database", lambda: database.check_database(patient.database)
    )
    found += of_database
    memory = _Memory(nights={})
    # Opening an older one would migrate it.
    if all(each.level is Level.OK for each in of_database if each.check == "database"):
        memory = _remember(patient)
    found += _guarded(
        "clock",
        lambda: [
            machine.check_clock(patient.now, patient.work, memory.nights.values())
        ],
    )
    found += _guarded("schedule", lambda: _schedule(patient, memory))
    if patient.listener is not None:
        path = patient.listener
        found += _guarded("broker", lambda: broker.check_brokers(path))
    found += _files(patient, memory)
    return found


def _machine(patient: Patient) -> Iterator[Finding]:
    yield machine.check_disk(patient.work)
    yield machine.check_memory()
    yield machine.check_time_sync()
    zones = {"Asia/Shanghai"}
    if patient.desk is not None:
        try:
            desk = read_desk(patient.desk)
        except AgroforestError as error:
            yield fail("settings", "研判台设置有误", error.problem, str(error))
        else:
            zones |= {desk.time_zone}
    yield machine.check_zones(sorted(zones))


def _pipelines(patient: Patient) -> Iterator[Finding]:
    for path in patient.pipelines:
        try:
            pipeline = read_pipeline(path)
        except AgroforestError as error:
            yield fail("pipeline", f"{path} 有误", error.problem, str(error))
            continue
        lacking = list(_lacking(pipeline))
        for name in lacking:
            yield fail(
                "pipeline",
                f"{pipeline.name} 缺少 {name}",
                f"{pipeline.name}: {name} is not there",
                f"put it there, or mend {path}",
            )
        if not lacking:
            yield well("pipeline", f"{pipeline.name} 的设置可用", "can be acted on")


def _lacking(pipeline: Pipeline) -> Iterator[Path]:
    """Files that settings name and that are not there."""
    named = [pipeline.aoi]
    for section in (pipeline.risk, pipeline.fire, pipeline.water):
        named += [value for _, value in section if isinstance(value, Path)]
    yield from (path for path in named if not path.exists())


def _remember(patient: Patient) -> _Memory:
    path = patient.database
    if "://" not in path and not Path(path).is_file():
        return _Memory(nights={})
    try:
        with open_store(path) as store:
            names = questions.find_pipelines(store)
            tries = [
                each
                for name in names
                for each in store.tries.executions(name, limit=5)[-1:]
                if each.status is ExecutionStatus.RUNNING
            ]
            outputs: dict[str, str] = {}
            if patient.checksums:
                for name in sorted(names):
                    outputs |= questions.read_outputs(store, name)
            return _Memory(
                nights={name: store.last_night(name) for name in names},
                running=tuple(tries),
                outputs=outputs,
            )
    except AgroforestError:
        return _Memory(nights={})  # the check of the database has said why


def _schedule(patient: Patient, memory: _Memory) -> list[Finding]:
    names = set()
    for path in patient.pipelines:
        try:
            names.add(read_pipeline(path).name)
        except AgroforestError:
            continue  # said already
    if not patient.pipelines:
        names = {
            name
            for name, night in memory.nights.items()
            if night is not None and (patient.now.date() - night).days <= 60
        }
    jobs = [
        each.job
        for folder in (SYSTEM_UNITS, SYSTEM_CRON, user_units())
        for each in find_files(folder)
    ]
    jobs += read_blocks(read_crontab() or "")
    work = patient.work.absolute()
    installed = {job.name for job in jobs if job.work == work}
    beat = read_heartbeat(patient.work)
    return [
        *schedule.check_schedule(names, installed, beat, patient.now),
        *schedule.check_runs(memory.running),
    ]


def _files(patient: Patient, memory: _Memory) -> Iterator[Finding]:
    work = patient.work
    yield files.check_work_folder(work)
    secrets = [work / KEY_FILE]
    settings = [*patient.pipelines]
    settings += [p for p in (patient.desk, patient.listener) if p is not None]
    if patient.listener is not None:
        with suppress(AgroforestError):  # the check of the brokers says why
            secrets += _listener_secrets(patient.listener)
    yield from files.check_secrets(secrets)
    yield from files.check_settings(settings)
    if patient.fix:
        removed = files.remove_leftovers(work)
        yield well("leftovers", f"已清除 {removed} 个文件", f"{removed} files removed")
    else:
        yield files.check_leftovers(work)
    if memory.outputs is not None and patient.checksums:
        root = Workplace(root=work, pipeline="").root
        yield files.check_checksums(root, memory.outputs)


def _listener_secrets(path: Path) -> list[Path]:
    settings = read_listen_settings(path)
    named = [each.password_file for each in settings.broker]
    if settings.webhook is not None:
        named.append(settings.webhook.token_file)
    return [each for each in named if each is not None]


def _guarded(check: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    """Look; an error of the check's own does not end the others."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001  a doctor must not die of a patient
        why = redact(" ".join(f"{type(error).__name__}: {error}".split()))[:200]
        return [
            fail(check, f"检查未能完成：{why}", f"could not be looked at: {why}", why)
        ]
