"""Cases as files of other programs, by the format that a program asks for."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import Field

from agroforest.core.account import Right
from agroforest.publish.vectors import Format
from agroforest.web.access import Visit, need
from agroforest.web.api.answers import BUSY, FAULTS, Answers
from agroforest.web.api.filters import Filters
from agroforest.web.pages.exports import hand_out

_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]
_BY_MEDIA = {kind.media_type.partition(";")[0]: kind for kind in Format}
_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_ANSWERS: Answers = {
    200: {
        "description": "The file.",
        "content": {
            kind.media_type: {} if kind is Format.GEOJSON else _FILE for kind in Format
        },
    },
    406: {**FAULTS[404], "description": "No format of ours is among those accepted."},
}

router = APIRouter(tags=["cases"])


class Asked(Filters):
    """Which cases, and how."""

    format: Format | None = Field(
        default=None, description="By the header `Accept` unless given."
    )
    coarse: bool = Field(
        default=False, description="Cells of 0.01° in place of outlines, to pass on."
    )


# Not asynchronous: writing files would stop the loop.
@router.get(
    "/cases/export",
    responses=FAULTS | BUSY | _ANSWERS,
    response_class=StreamingResponse,
)
def export_cases(
    visit: _See,
    asked: Annotated[Asked, Query()],
    accept: Annotated[str, Header(max_length=1000)] = "",
) -> Response:
    """Export cases to a file; outlines are exact only for who may see them so."""
    kind = asked.format or find_accepted(accept)
    if kind is None:
        raise HTTPException(406, "give one of " + ", ".join(_BY_MEDIA))
    return hand_out(visit, asked.find_query(), kind, exact=not asked.coarse)


def find_accepted(accept: str) -> Format | None:
    """Find the first format that a header names; GeoJSON to who takes anything.

    Weights are not read: who names several takes each of them.
    """
    for named in accept.split(",") if accept.strip() else ["*/*"]:
        media = named.partition(";")[0].strip().lower()
        if media in {"*/*", "application/*", "application/json"}:
            return Format.GEOJSON
        if media in _BY_MEDIA:
            return _BY_MEDIA[media]
    return None
