"""Parcels: what to do about each one's water tonight, on a phone."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from agroforest.core.account import Right, Role
from agroforest.core.errors import DataError
from agroforest.web.access import Visit, need
from agroforest.web.pages.layout import address, render, speech_of
from agroforest.web.pages.parcels_chart import HEIGHT, LEFT, RIGHT, WIDTH
from agroforest.web.pages.parcels_view import (
    LIGHTS,
    find_light,
    rank_parcel,
    view_parcel,
)
from agroforest.web.pages.runs_nights import Json, Nights

_PATH = "/parcels"
_PAGE = 20
#: So few parcels stand open. Arbitrary: what a farmer has on a phone.
_FEW = 3
_MOST_PAGES = 100_000
_See = Annotated[Visit, Depends(need(Right.SEE_PARCELS, farmers=True))]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Advice that a visitor may see.

    Attributes
    ----------
    parcels
        The most urgent first.
    nights
        Nights they are of, the newest first.
    notes
        What a reader must know, in their language.
    """

    parcels: tuple[Json, ...] = field(repr=False)
    nights: tuple[date, ...] = ()
    notes: tuple[str, ...] = ()


def build_router(nights: Nights) -> APIRouter:
    """Build the router of the parcels' page."""
    router = APIRouter(include_in_schema=False)

    # Not asynchronous: reading files would stop the loop.
    @router.get(_PATH)
    def show_parcels(
        request: Request, visit: _See, light: str = "", page: int = 0
    ) -> HTMLResponse:
        """Show tonight's advice, the most urgent first."""
        speech = speech_of(visit)
        found = find_parcels(nights, visit)
        chosen = light if light in LIGHTS else ""
        shown = [p for p in found.parcels if chosen in {"", find_light(p)}]
        page = min(max(page, 0), _MOST_PAGES)
        part = shown[page * _PAGE : (page + 1) * _PAGE]
        more = len(shown) > (page + 1) * _PAGE
        account = visit.account
        is_farmer = account.role == Role.FARMER
        return render(
            request,
            visit,
            "parcels.html",
            parcels=[view_parcel(p, speech) for p in part],
            chips=_count_lights(found, chosen),
            notes=found.notes,
            nights=found.nights,
            is_old=bool(found.nights) and (speech.today - min(found.nights)).days > 1,
            is_few=len(part) <= _FEW,
            is_unregistered=is_farmer and not account.parcels,
            next=address(_PATH, light=chosen, page=page + 1) if more else "",
            first=address(_PATH, light=chosen) if page else "",
            size=(WIDTH, HEIGHT, LEFT, RIGHT),
        )

    return router


def find_parcels(nights: Nights, visit: Visit) -> Found:
    """Find the newest advice on every parcel that a visitor may see."""
    parcels: list[Json] = []
    days: set[date] = set()
    notes: list[str] = []
    for pipeline in nights.pipelines:
        try:
            document = nights.read_water(pipeline)
        except DataError as error:
            words = visit.words("parcels.damaged", pipeline=pipeline, why=error.problem)
            notes.append(words)
            continue
        if document is None:
            continue
        own = [p for p in document["parcels"] if visit.sees_parcel(str(p["id"]))]
        if not own:
            continue
        parcels += own
        days.add(date.fromisoformat(document["night"]))
        notes += [visit.words.pick((n["zh"], n["en"])) for n in document["notes"]]
    return Found(
        parcels=tuple(sorted(parcels, key=rank_parcel)),
        nights=tuple(sorted(days, reverse=True)),
        notes=tuple(dict.fromkeys(notes)),
    )


def _count_lights(found: Found, chosen: str) -> list[tuple[str, int, str, bool]]:
    """Light, number, address and whether it is chosen; the first is of all."""
    counts = Counter(map(find_light, found.parcels))
    lights = [light for light in LIGHTS if counts[light]]
    return [
        ("", len(found.parcels), _PATH, not chosen),
        *((n, counts[n], address(_PATH, light=n), n == chosen) for n in lights),
    ]
