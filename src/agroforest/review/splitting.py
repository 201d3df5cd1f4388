"""Cases that go on as several, and how that is undone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import split as cut

from agroforest.core.errors import DataError
from agroforest.core.identity import digest
from agroforest.core.queue import DeskChanges
from agroforest.core.review import ENDED, Act, Case, Stage
from agroforest.review import commands as ask
from agroforest.review.joining import find_before
from agroforest.review.plain import describe
from agroforest.review.rank import rank_case
from agroforest.review.sitting import Sitting

#: Most parts of one case; somebody has to look at each. Arbitrary.
MOST_PARTS = 50


def split(sitting: Sitting, case: Case, command: ask.Split) -> DeskChanges:
    """Let a case go on as its parts, each a case of its own at the same stage."""
    outlines = cut_outline(case, command.line)
    parts = [_build_part(sitting, case, o, i) for i, o in enumerate(outlines)]
    done = sitting.record(
        case,
        Act.SPLIT,
        {"stage": Stage.SPLIT},
        note=command.note,
        data={"parts": [part.id for part in parts]},
    )
    for part in parts:
        done += _open_part(sitting, case, part, command.note)
    return done


def unsplit(sitting: Sitting, case: Case, command: ask.Unsplit) -> DeskChanges:
    """Let the parts go on as the case that they were split off."""
    parts = sorted(
        (p for p in sitting.cases.values() if p.of == case.id), key=lambda p: p.id
    )
    # Parts of an earlier split were joined again already.
    parts = [p for p in parts if (p.stage, p.into) != (Stage.MERGED, case.id)]
    if not parts:
        raise DataError(f"case {case.id}", "its parts were not read", "name them too")
    for part in parts:
        if part.stage in ENDED or part.stage == Stage.DECIDED:
            raise DataError(
                f"case {part.id}",
                f"is at {part.stage}, so case {case.id} cannot be joined again",
                "unmerge, unsplit or reopen that part first",
            )
    before = find_before(sitting, case, Stage.SPLIT)
    done = sitting.record(case, Act.UNSPLIT, before, note=command.note)
    for part in parts:
        done += sitting.record(
            part,
            Act.UNSPLIT,
            {"stage": Stage.MERGED, "into": case.id},
            note=command.note,
            data={"into": case.id},
        )
    return done


def cut_outline(
    case: Case, line: shapely.LineString | None
) -> tuple[BaseGeometry, ...]:
    """Cut the outline of a case into parts that cover it, none twice.

    Without a line its separate pieces are the parts. A line makes parts of the pieces
    it cuts; where the case has several pieces already, the parts are what lies left and
    right of the line through both ends of it.

    Raises
    ------
    DataError
        There would be one part, or more than `MOST_PARTS`.
    """
    pieces = [p for p in shapely.get_parts(case.geometry) if p.area > 0]
    if line is None:
        parts = pieces
    else:
        _check_line(case, line)
        fragments = [f for p in pieces for f in cut(p, line).geoms if f.area > 0]
        parts = fragments if len(pieces) == 1 else _sort_sides(fragments, line)
    if len(parts) < 2:
        raise DataError(
            f"case {case.id}",
            "is one piece" if line is None else "is not cut by the line",
            "draw a line that leaves its outline on both sides",
        )
    if len(parts) > MOST_PARTS:
        raise DataError(
            f"case {case.id}",
            f"would become {len(parts)} cases, and {MOST_PARTS} are the most",
            "draw a line that cuts it in two",
        )
    return tuple(parts)


def _check_line(case: Case, line: shapely.LineString) -> None:
    ends = shapely.get_coordinates(line)
    if line.is_empty or not np.isfinite(ends).all() or np.ptp(ends, axis=0).max() == 0:
        raise DataError(f"case {case.id}", "the line has no length", "draw it again")
    if (np.abs(ends) > (180, 90)).any():
        raise DataError(
            f"case {case.id}",
            "the line is not in degrees",
            "give longitude and latitude, WGS 84",
        )


def _sort_sides(
    fragments: Sequence[BaseGeometry], line: shapely.LineString
) -> list[BaseGeometry]:
    (x0, y0), (x1, y1) = shapely.get_coordinates(line)[[0, -1]]
    middles = shapely.get_coordinates(
        shapely.point_on_surface(np.array(fragments, dtype=object))
    )
    left = (x1 - x0) * (middles[:, 1] - y0) - (y1 - y0) * (middles[:, 0] - x0) > 0
    sides = [
        [f for f, at in zip(fragments, left, strict=True) if at == s]
        for s in (True, False)
    ]
    return [shapely.union_all(side) for side in sides if side]


def _build_part(
    sitting: Sitting, case: Case, outline: BaseGeometry, number: int
) -> Case:
    # In degrees: within one case the length of a degree hardly differs.
    share = outline.area / case.geometry.area
    part = case.patch(
        # Parts of another split of the same case are other cases.
        id=digest(case.alert, case.id, case.version, number),
        of=case.id,
        version=1,
        opened=sitting.now,
        changed=sitting.now,
        geometry=outline,
        area_ha=case.area_ha * share,
        verdict=None,
        reason=None,
        judged_by="",
    )
    return part.patch(rank=rank_case(part))


def _open_part(sitting: Sitting, case: Case, part: Case, note: str) -> DeskChanges:
    """Write the first step of a part: its case is nothing before it."""
    opened = sitting.record(
        part.patch(version=0), Act.SPLIT, {}, note=note, data={"of": case.id}
    )
    (step,) = opened.steps
    (deed,) = opened.deeds
    whole = describe(part)
    return DeskChanges(
        cases=(part,),
        steps=(replace(step, data={**step.data, "after": whole}),),
        deeds=(replace(deed, after=whole),),
    )
