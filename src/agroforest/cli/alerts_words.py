"""What ``agroforest alerts`` says, Chinese beside English."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from enum import StrEnum

    from agroforest.core.queue import QueueRow
    from agroforest.core.review import Case, Step


def say(word: "StrEnum | None") -> str:
    """Name a hazard, stage, verdict, reason or act in both languages."""
    from agroforest.core.risk import Hazard
    from agroforest.core.words import hazard_words, review_words

    if word is None:
        return "—"
    zh, en = hazard_words(word).name if isinstance(word, Hazard) else review_words(word)
    return f"{zh} {en}"


def tell_row(row: "QueueRow") -> str:
    """Tell of a case of the queue, in a line."""
    from agroforest.core.units import MU_PER_HA

    sure = "—" if row.probability is None else f"{row.probability:.0%}"
    parts = [
        row.id,
        say(row.stage),
        say(row.hazard),
        f"{row.area_ha:.2f} ha（{row.area_ha * MU_PER_HA:.1f} 亩）",
        sure,
        row.first_night.isoformat(),
        " ".join(filter(None, row.county[1:])) or "—",
    ]
    if row.verdict is not None:
        parts.append(f"{say(row.verdict)}（{say(row.reason)}）")
    if row.assignee:
        parts.append(f"→ {row.assignee}")
    if row.due is not None:
        parts.append(f"限 due {row.due:%Y-%m-%d %H:%M} UTC")
    return "  ".join(map(show, parts))


def tell_case(case: "Case", steps: "Sequence[Step]") -> "Iterator[str]":
    """Tell of a case and all that was done to it, line by line."""
    from agroforest.core.review import ENDED
    from agroforest.core.units import MU_PER_HA
    from agroforest.review.rank import explain_rank

    yield f"{case.id}  {say(case.hazard)}  {say(case.stage)}  v{case.version}"
    area = f"{case.area_ha:.2f} ha（{case.area_ha * MU_PER_HA:.1f} 亩）"
    sure = "—" if case.probability is None else f"{case.probability:.0%}"
    west, south, east, north = case.geometry.bounds
    middle = f"{(west + east) / 2:.5f}, {(south + north) / 2:.5f}"
    county = " ".join(filter(None, case.county)) or "—"
    yield f"  位置 place: {show(county)}  {middle}"
    yield f"  面积 area: {area}   概率 probability: {sure}"
    yield f"  首次 first: {case.first_night}   最近无云 last clear: {case.evidence}"
    yield from _tell_review(case)
    if case.stage not in ENDED:
        points = "，".join(
            f"{part.zh} {part.en}: {part.points:.1f}" for part in explain_rank(case)
        )
        yield f"  排序 rank {case.rank:.1f}: {points}"
    for step in steps:
        yield _tell_step(step)


def tell_change(case: "Case") -> str:
    """Tell what a case is after an act, in a line."""
    return f"{case.id}  {say(case.stage)}  v{case.version}"


def show(text: str) -> str:
    """Make a text fit for a terminal: nobody's text moves its cursor."""
    return "".join(c if c.isprintable() else " " for c in text)


def plain_row(row: "QueueRow") -> dict[str, Any]:
    """Describe a case of the queue in plain values."""
    return {
        "id": row.id,
        "version": row.version,
        "stage": str(row.stage),
        "hazard": str(row.hazard),
        "pipeline": row.pipeline,
        "area_ha": round(row.area_ha, 4),
        "probability": row.probability,
        "first_night": row.first_night.isoformat(),
        "evidence": row.evidence.isoformat(),
        "county": list(row.county),
        "places": list(row.places),
        "box": list(row.box),
        "verdict": None if row.verdict is None else str(row.verdict),
        "reason": None if row.reason is None else str(row.reason),
        "assignee": row.assignee,
        "rank": row.rank,
        "due": None if row.due is None else row.due.isoformat(),
    }


def plain_case(case: "Case", steps: "Sequence[Step] | None" = None) -> dict[str, Any]:
    """Describe a case in plain values, with its steps where they are given."""
    import shapely

    from agroforest.review.plain import describe

    told = {
        **describe(case),
        "version": case.version,
        "changed": case.changed.isoformat(),
    }
    if steps is not None:
        told["geometry"] = shapely.geometry.mapping(case.geometry)
        told["steps"] = [plain_step(step) for step in steps]
    return told


def plain_step(step: "Step") -> dict[str, Any]:
    """Describe a step in plain values."""
    return {
        "number": step.number,
        "time": step.time.isoformat(),
        "by": step.by,
        "act": str(step.act),
        "reason": None if step.reason is None else str(step.reason),
        "note": step.note,
        "key": step.key,
        "data": dict(step.data),
    }


def _tell_review(case: "Case") -> "Iterator[str]":
    if case.verdict is not None:
        said = f"{say(case.verdict)}（{say(case.reason)}）"
        yield f"  研判 verdict: {said}  {show(case.judged_by)}"
    if case.assignee:
        yield f"  负责人 assignee: {show(case.assignee)}"
    if case.check is not None:
        done = case.check.done
        found = f"{done:%Y-%m-%d} {show(case.check.found)}" if done else "—"
        due = "" if case.check.due is None else f"（限 due {case.check.due}）"
        yield f"  现场核查 field check: {show(case.check.by)}{due}: {found}"
    if case.sampling is not None:
        yield f"  取样 sampling: {say(case.sampling)}"
    if case.into:
        yield f"  并入 went into: {case.into}"
    if case.of:
        yield f"  拆自 split off: {case.of}"
    if case.due is not None:
        yield f"  限时 due: {case.due:%Y-%m-%d %H:%M} UTC"


def _tell_step(step: "Step") -> str:
    change = step.data.get("change", "")
    words = [f"{say(step.act)}{f' ({change})' if change else ''}"]
    words += [say(step.reason)] if step.reason is not None else []
    words += [show(step.note)] if step.note else []
    when = f"{step.time:%Y-%m-%d %H:%M}"
    return f"  {step.number}. {when}  {show(step.by)}: {' · '.join(words)}"
