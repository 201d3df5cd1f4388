"""Which cases: the filters of the queue as a query has them."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agroforest.core.errors import DataError
from agroforest.core.queue import CaseQuery, Order
from agroforest.core.review import Stage, Verdict
from agroforest.core.risk import Hazard

_Codes = Annotated[
    tuple[Annotated[str, Field(max_length=32)], ...], Field(max_length=50)
]
_Hectares = Annotated[float, Field(ge=0, le=1e9)]
_Box = tuple[float, float, float, float]


class Filters(BaseModel):
    """Every filter narrows; what is left out asks for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: tuple[Stage, ...] = Field(default=(), max_length=20)
    hazard: tuple[Hazard, ...] = Field(default=(), max_length=20)
    verdict: tuple[Verdict, ...] = Field(default=(), max_length=10)
    county: _Codes = Field(default=(), description="Codes.", examples=[["450102"]])
    pipeline: _Codes = ()
    assignee: str = Field(default="", max_length=200, description="`-` for nobody.")
    least_ha: _Hectares | None = None
    most_ha: _Hectares | None = None
    least_probability: Annotated[float, Field(ge=0, le=1)] | None = None
    since: date | None = Field(default=None, description="First night from.")
    until: date | None = Field(default=None, description="First night up to.")
    bbox: str = Field(
        default="",
        max_length=200,
        description="`west,south,east,north` in degrees.",
        examples=["108.2,22.2,108.5,22.6"],
    )

    def find_query(self, **rest: object) -> CaseQuery:
        """Find what is asked for.

        Parameters
        ----------
        rest
            Order, cursor and limit.

        Raises
        ------
        DataError
            The box is none.
        """
        return CaseQuery(
            stages=self.stage,
            hazards=self.hazard,
            verdicts=self.verdict,
            counties=self.county,
            pipelines=self.pipeline,
            assignee=self.assignee,
            least_ha=self.least_ha,
            most_ha=self.most_ha,
            least_probability=self.least_probability,
            since=self.since,
            until=self.until,
            box=read_box(self.bbox) if self.bbox else None,
            **rest,  # type: ignore[arg-type]
        )


class Paged(Filters):
    """Cases a page at a time."""

    order: Order = Order.RANK
    after: str = Field(
        default="", max_length=500, description="`next` of the page before."
    )
    limit: int = Field(default=50, ge=1, le=500)


def read_box(written: str) -> _Box:
    """Read a box as it is written in a query.

    Raises
    ------
    DataError
        It is none.
    """
    try:
        west, south, east, north = map(float, written.split(","))
    except ValueError:
        west, south, east, north = 1.0, 1.0, 0.0, 0.0
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise DataError(
            "bbox", f"{written!r} is no box", "give west,south,east,north in degrees"
        )
    return west, south, east, north
