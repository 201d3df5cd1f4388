"""What the API takes and gives, as pydantic models; OpenAPI is made from them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from shapely.geometry import mapping

from agroforest.core.queue import QueueRow
from agroforest.core.review import NOTE_LENGTH, Act, Case, Reason, Sampling, Stage, Step
from agroforest.core.review import Verdict as VerdictWord
from agroforest.core.risk import Hazard
from agroforest.core.units import MU_PER_HA
from agroforest.publish.place import coarsen, norm_outline

#: Ids are digests; nothing else is looked up.
Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z_.:-]{1,64}$")]


class Shape(BaseModel):
    """Whatever the API gives; unknown fields are refused where it takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class County(Shape):
    """A county."""

    code: str
    zh: str
    en: str


class CaseRow(Shape):
    """A case as the queue has it."""

    id: str
    pipeline: str
    hazard: Hazard
    stage: Stage
    version: int = Field(description="Send it with an act: who is late gets 409.")
    verdict: VerdictWord | None
    reason: Reason | None
    assignee: str
    area_ha: float
    area_mu: float
    probability: float | None = Field(description="Unknown for heat seen from space.")
    county: County
    places: tuple[str, ...] = Field(description="Ids of parcels and compartments.")
    first_night: date
    evidence: date = Field(description="Newest clear day behind it.")
    opened: datetime
    changed: datetime
    due: datetime | None
    rank: float = Field(description="Order of the queue, the highest first.")
    box: tuple[float, float, float, float] = Field(
        description="West, south, east, north; whole cells of 0.01° unless exact."
    )

    @classmethod
    def from_row(cls, row: QueueRow | Case, *, exact: bool) -> "CaseRow":
        """Show a row of the queue, or a case."""
        box = row.geometry.bounds if isinstance(row, Case) else row.box
        if not exact:
            west, south, east, north = box
            box = (_down(west), _down(south), _up(east), _up(north))
        code, zh, en = row.county
        return cls(
            id=row.id,
            pipeline=row.pipeline,
            hazard=row.hazard,
            stage=row.stage,
            version=row.version,
            verdict=row.verdict,
            reason=row.reason,
            assignee=row.assignee,
            area_ha=row.area_ha,
            area_mu=round(row.area_ha * MU_PER_HA, 2),
            probability=row.probability,
            county=County(code=code, zh=zh, en=en),
            places=row.places if exact else (),
            first_night=row.first_night,
            evidence=row.evidence,
            opened=row.opened,
            changed=row.changed,
            due=row.due,
            rank=row.rank,
            box=box,
        )


class CasePage(Shape):
    """One page of the queue."""

    cases: tuple[CaseRow, ...]
    next: str = Field(description="Give it as `after` for the next page; empty at end.")


class Check(Shape):
    """A visit to the place."""

    by: str
    ordered: datetime
    due: date | None
    sample: bool
    done: datetime | None
    found: str


class CaseWhole(CaseRow):
    """A case with all that is known of it."""

    alert: str
    judged_by: str
    check: Check | None
    sampling: Sampling | None
    into: str = Field(description="The case that goes on, where merged.")
    of: str = Field(description="The case it was split off.")
    geometry: dict[str, Any] = Field(
        description="GeoJSON, WGS 84; whole cells of 0.01° unless exact."
    )
    exact: bool

    @classmethod
    def from_case(cls, case: Case, *, exact: bool) -> "CaseWhole":
        """Show a case."""
        outline = norm_outline(case.geometry, f"case {case.id}")
        check = case.check
        return cls(
            **CaseRow.from_row(case, exact=exact).model_dump(),
            alert=case.alert,
            judged_by=case.judged_by,
            check=None
            if check is None
            else Check(
                by=check.by,
                ordered=check.ordered,
                due=check.due,
                sample=check.sample,
                done=check.done,
                found=check.found,
            ),
            sampling=case.sampling,
            into=case.into,
            of=case.of,
            geometry=mapping(outline if exact else coarsen(outline)),
            exact=exact,
        )


class StepShape(Shape):
    """One act on a case."""

    number: int
    time: datetime
    by: str
    act: Act
    reason: Reason | None
    note: str

    @classmethod
    def from_step(cls, step: Step) -> "StepShape":
        """Show a step."""
        return cls(
            number=step.number,
            time=step.time,
            by=step.by,
            act=step.act,
            reason=step.reason,
            note=step.note,
        )


class ActForm(Shape):
    """An act on a case, as whoever asks saw it.

    `reason` goes with confirm and dismiss, `to` with assign and order-check, `due` and
    `sample` with order-check, `found` with report-check, `sampling` and `positive` with
    sample, `others` with merge, `line` with split.
    """

    act: Literal[
        "pass",
        "confirm",
        "dismiss",
        "approve",
        "return",
        "assign",
        "order-check",
        "report-check",
        "sample",
        "note",
        "merge",
        "unmerge",
        "split",
        "unsplit",
        "close",
        "reopen",
    ]
    version: int = Field(ge=1, le=2**31 - 1, description="Of the case as it was seen.")
    reason: Reason | None = None
    note: str = Field(default="", max_length=NOTE_LENGTH)
    to: str = Field(default="", max_length=200)
    due: date | None = None
    sample: bool = False
    found: str = Field(default="", max_length=NOTE_LENGTH)
    sampling: Sampling | None = None
    positive: bool | None = None
    others: tuple[Id, ...] = Field(default=(), max_length=100)
    line: tuple[tuple[float, float], ...] = Field(
        default=(), max_length=1000, description="Longitude and latitude, WGS 84."
    )


class Counted(Shape):
    """Cases of one stage and hazard."""

    stage: Stage
    hazard: Hazard
    cases: int


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[dict[str, Any]] = Field(default_factory=list)


def _down(degrees: float) -> float:
    return round(degrees // 0.01 * 0.01, 2)


def _up(degrees: float) -> float:
    return round(-(-degrees // 0.01) * 0.01, 2)
