"""What a night leaves in the ledger."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from agroforest.core.config import Watched
from agroforest.core.identity import digest, digest_file
from agroforest.nightly.plan import Watch
from agroforest.nightly.result import Refusal, TaskResult
from agroforest.nightly.workplace import Workplace
from agroforest.store import QuarantineRecord, RunRecord, TaskRecord

DONE = "done"
FAILED = "failed"


def run(watch: Watch, report: Mapping[str, Any]) -> RunRecord:
    """Build the record of a night."""
    return RunRecord(
        pipeline=watch.pipeline.name,
        night=date.fromisoformat(report["night"]),
        config_digest=config_digest(watch),
        status=report["status"],
        summary={"alerts": report["alerts"], "files": report["files"]},
    )


def config_digest(watch: Watch) -> str:
    """Digest of the settings of a night."""
    return digest(*_settings(watch))


def _settings(watch: Watch) -> Iterator[object]:
    """Everything that a night's results depend on beside its scenes."""
    pipeline = watch.pipeline
    yield from (pipeline.season_digest(), pipeline.output_digest())
    yield from (watch.ground, watch.model)
    if pipeline.watches(Watched.FIRE):
        yield pipeline.fire.model_dump(mode="json")
    if pipeline.watches(Watched.WATER):
        yield pipeline.water.model_dump(mode="json")


def task(watch: Watch, result: TaskResult) -> TaskRecord:
    """Build the record of a task; a failed one took no scene and wrote nothing."""
    return TaskRecord(
        id=result.id,
        pipeline=watch.pipeline.name,
        tile=result.tile,
        state=result.state,
        night=result.night,
        status=DONE if result.done else FAILED,
        scenes=result.taken,
        outputs=result.outputs,
        summary={
            "kind": str(result.kind),
            "error": result.error,
            "model": result.model,
            "thresholds": dict(result.thresholds),
            "days": [d.day for d in result.days],
            **({"yearly": result.yearly.plain()} if result.yearly else {}),
        },
    )


def is_done(task: TaskRecord | None, workplace: Workplace) -> bool:
    """Whether a task was done and everything it wrote is still there, unchanged."""
    return (
        task is not None
        and task.status == DONE
        and all(
            _is_whole(workplace.root / path, sha256)
            for path, sha256 in task.outputs.items()
        )
    )


def _is_whole(path: Path, sha256: str) -> bool:
    try:
        return digest_file(path) == sha256
    except OSError:  # it is gone, or cannot be read
        return False


def quarantined(watch: Watch, results: Iterable[TaskResult]) -> list[QuarantineRecord]:
    """Build the records of the inputs that tasks put aside."""
    name = watch.pipeline.name
    return [
        record
        for result in results
        for record in quarantine(name, result.night, result.refused)
    ]


def quarantine(
    pipeline: str, night: date, refused: Iterable[Refusal]
) -> list[QuarantineRecord]:
    """Build the records of inputs put aside."""
    return [
        QuarantineRecord(
            pipeline=pipeline,
            night=night,
            where=refusal.where,
            problem=refusal.problem,
            remedy=refusal.remedy,
        )
        for refusal in refused
        if not refusal.passes
    ]
