"""Models: the card of each, with its figures and its limits."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from agroforest.core.account import Right
from agroforest.core.errors import ModelError
from agroforest.risk import ModelCard, models_dir, read_card
from agroforest.web.access import Visit, need
from agroforest.web.pages.layout import render, speech_of
from agroforest.web.site import Remembered, Site
from agroforest.web.views import Speech

_PATH = "/models"
#: Seconds for which cards are not read again. Arbitrary.
_FRESH_S = 60.0
_CHECKSUM = 12
_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureView:
    """A figure of a card: its name, value, interval, and what it was measured on."""

    name: str
    value: str
    interval: str
    on: str
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CardView:
    """A card in words.

    Attributes
    ----------
    name, version, purpose
        Which model, and what for.
    simulated
        Whether no measured label was used.
    figures
        In the order of the card.
    limits, never
        What nobody should use it for; where it was never tested.
    facts
        Name and value of where it comes from.
    error
        Why the card cannot be read; the rest is then empty.
    """

    name: str
    version: str = ""
    purpose: str = ""
    simulated: bool = False
    figures: tuple[FigureView, ...] = field(default=(), repr=False)
    limits: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    error: str = ""


def build_router(site: Site) -> APIRouter:
    """Build the router of the models' page."""
    router = APIRouter(include_in_schema=False)
    cards = Remembered(lambda: tuple(read_cards(site)), _FRESH_S)

    # Not asynchronous: reading files would stop the loop.
    @router.get(_PATH)
    def show_models(request: Request, visit: _See) -> HTMLResponse:
        """Show the card of every model."""
        speech = speech_of(visit)
        views = [_view(name, card, speech) for name, card in cards()]
        return render(request, visit, "models.html", models=views)

    return router


def read_cards(site: Site) -> Iterator[tuple[str, ModelCard | str]]:
    """Read the cards of shipped models and of those that pipelines name.

    A card that cannot be read comes as the reason why.
    """
    own = (Path(p.risk.model) for p in site.bureau.pipelines.values())
    folders = [*models_dir().iterdir(), *(path for path in own if path.is_dir())]
    for folder in sorted(set(folders), key=lambda f: f.name):
        if not (folder / "card.toml").is_file():
            continue
        try:
            yield folder.name, read_card(folder)
        except ModelError as error:
            yield folder.name, error.problem


def _view(name: str, card: ModelCard | str, speech: Speech) -> CardView:
    if isinstance(card, str):
        return CardView(name=name, error=card)
    words = speech.words
    limits = card.limits.zh if words.language == "zh" else card.limits.en
    training = card.training
    facts = [
        (words("models.data"), training.data),
        (words("models.split"), training.split),
        (words("models.recipe"), training.recipe),
        (words("models.parameters"), speech.number(card.weights.parameters)),
        (words("models.checksum"), card.weights.sha256[:_CHECKSUM]),
        (words("models.licence"), card.licence),
    ]
    thresholds = card.calibration.thresholds
    if thresholds:
        said = ", ".join(f"{n} {value:g}" for n, value in thresholds.items())
        facts.append((words("models.thresholds"), said))
    return CardView(
        name=card.name,
        version=card.version,
        purpose=words.pick((card.purpose.zh, card.purpose.en)),
        simulated=training.simulated,
        figures=tuple(
            FigureView(
                name=metric.name,
                value=_say(metric.value),
                interval=""
                if metric.low is None or metric.high is None
                else f"{_say(metric.low)} … {_say(metric.high)}",
                on=metric.on,
                note=metric.note,
            )
            for metric in card.metrics
        ),
        limits=limits,
        never=card.limits.never_tested,
        facts=tuple(facts),
    )


def _say(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
