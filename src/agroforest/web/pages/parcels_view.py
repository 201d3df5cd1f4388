"""Advice on a parcel, put into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agroforest.core.units import MU_PER_HA
from agroforest.web.pages.parcels_chart import WaterChart, draw_water
from agroforest.web.views import Speech
from agroforest.web.words import WORDS

Json = Mapping[str, Any]

#: Lights, the most urgent first.
LIGHTS = ("red", "amber", "green", "grey")
_HOUR = 60
#: Days of the table of numbers, before and from the night on.
_PAST, _AHEAD = 7, 7


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeView:
    """A probe behind an advice: its name, trust, and what is said of it."""

    name: str
    trust: str
    used: bool
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DayView:
    """A day of the account, as its table shows it."""

    day: str
    missing: str
    rain: str
    irrigation: str
    forecast: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ParcelView:
    """A parcel's advice in words.

    Attributes
    ----------
    id, name, light, sentence
        Which, and what to do.
    amounts
        Name and value of depth, water, time and deadline.
    facts
        Name and value of the rest.
    reasons, notices
        Sentences.
    probes
        Readings behind it.
    drawn
        Names of the probes that this night's account was drawn to.
    chart
        ``None`` without an account.
    alt
        What the chart shows, in words.
    days
        Numbers of the chart around the night.
    """

    id: str
    name: str
    light: str
    sentence: str
    amounts: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    notices: tuple[str, ...]
    probes: tuple[ProbeView, ...]
    drawn: str
    chart: WaterChart | None = field(default=None, repr=False)
    alt: str = ""
    days: tuple[DayView, ...] = field(default=(), repr=False)


def find_light(parcel: Json) -> str:
    """Find a parcel's light; grey for one that is not known."""
    light = parcel.get("light")
    return light if light in LIGHTS else LIGHTS[-1]


def rank_parcel(parcel: Json) -> tuple[int, str, float, str]:
    """Red first, then what is due first, then what needs most."""
    return (
        LIGHTS.index(find_light(parcel)),
        parcel.get("latest") or "9999",
        -(parcel.get("amount_mm") or 0.0),
        str(parcel["id"]),
    )


def view_parcel(parcel: Json, speech: Speech) -> ParcelView:
    """Put a parcel's advice into words.

    Parameters
    ----------
    parcel
        As the night's file of water has it.
    speech
        For whom.
    """
    words = speech.words
    name = words.pick((parcel["name_zh"], parcel["name_en"])) or str(parcel["id"])
    days = parcel.get("days") or []
    chart = draw_water(days)
    drawn = _name_drawn(parcel)
    return ParcelView(
        id=str(parcel["id"]),
        name=name,
        light=find_light(parcel),
        sentence=words.pick((parcel["zh"], parcel["en"])),
        amounts=tuple(_list_amounts(parcel, speech)),
        facts=tuple(_list_facts(parcel, speech)),
        reasons=_pick_all(parcel.get("reasons"), speech),
        notices=_pick_all(parcel.get("notices"), speech),
        probes=tuple(_view_probe(p, speech) for p in parcel.get("sensors") or ()),
        drawn=words("parcels.drawn", ids=", ".join(drawn)) if drawn else "",
        chart=chart,
        alt=""
        if chart is None
        else words(
            "parcels.chart_alt",
            name=name,
            now=_say_mm(parcel.get("depletion_mm"), speech),
            raw=_say_mm(parcel.get("raw_mm"), speech),
        ),
        days=_view_days(days, speech),
    )


def _list_amounts(parcel: Json, speech: Speech) -> list[tuple[str, str]]:
    words = speech.words
    found = []
    for key, name, digits in (
        ("amount_mm", "mm", 0),
        ("amount_m3", "m3", 0),
        ("m3_per_mu", "per_mu", 1),
    ):
        value = parcel.get(key)
        if value:
            said = words(f"parcels.value_{name}", n=speech.number(value, digits))
            found.append((words(f"parcels.{name}"), said))
    minutes = round(parcel.get("minutes") or 0)
    if minutes:
        hours, left = divmod(minutes, _HOUR)
        said = words("parcels.value_minutes", n=minutes)
        if hours:
            said = words("parcels.value_hours", h=hours, n=left)
        found.append((words("parcels.minutes"), said))
    latest = _day(parcel.get("latest"))
    if latest is not None:
        said = speech.day(latest)
        if latest < speech.today or parcel.get("overdue"):
            said = words("parcels.overdue", day=said)
        found.append((words("parcels.by"), said))
    return found


def _list_facts(parcel: Json, speech: Speech) -> list[tuple[str, str]]:
    words = speech.words
    watered, given = (
        _day(parcel.get("last_irrigation")),
        parcel.get("last_irrigation_mm"),
    )
    last = words("parcels.last_unknown")
    if watered is not None:
        last = speech.day(watered)
        if given is not None:
            last = words("parcels.last_of", day=last, n=speech.number(given, 0))
    facts = [(words("parcels.last"), last)]
    if parcel.get("depletion_mm") is not None:
        ends = ("depletion", "raw", "taw")
        values = {n: _say(parcel.get(f"{n}_mm"), speech) for n in ends}
        facts.append((words("parcels.state"), words("parcels.state_of", **values)))
    drought = words.pick((parcel.get("drought_zh", ""), parcel.get("drought_en", "")))
    sure = f"confidence.{parcel.get('confidence')}"
    if drought:
        facts.append((words("parcels.drought"), drought))
    if sure in WORDS:
        facts.append((words("parcels.confidence"), words(sure)))
    if parcel.get("crop"):
        facts.append((words("parcels.crop"), str(parcel["crop"])))
    hectares = parcel.get("hectares")
    if hectares:
        mu = speech.number(hectares * MU_PER_HA, 1)
        area = words("unit.area", ha=speech.number(hectares, 2), mu=mu)
        facts.append((words("parcels.area"), area))
    return [*facts, (words("parcels.number"), str(parcel["id"]))]


def _view_probe(probe: Json, speech: Speech) -> ProbeView:
    words, trust = speech.words, probe.get("trust")
    said = (
        "" if trust is None else words("parcels.trust", percent=speech.percent(trust))
    )
    return ProbeView(
        name=probe.get("name") or str(probe["id"]),
        trust=said,
        used=bool(probe.get("used")),
        text=words.pick((probe.get("zh") or "", probe.get("en") or "")),
    )


def _view_days(days: Sequence[Json], speech: Speech) -> tuple[DayView, ...]:
    past = [d for d in days if not d.get("forecast")][-_PAST:]
    ahead = [d for d in days if d.get("forecast")][:_AHEAD]
    return tuple(
        DayView(
            day=d["day"],
            missing=_say(d.get("depletion_mm"), speech),
            rain=_say(d.get("rain_mm"), speech),
            irrigation=_say(d.get("irrigation_mm"), speech),
            forecast=bool(d.get("forecast")),
        )
        for d in (*past, *ahead)
    )


def _name_drawn(parcel: Json) -> list[str]:
    """Name the probes whose readings this night's account was drawn to."""
    names = {p["id"]: p.get("name") or p["id"] for p in parcel.get("sensors") or ()}
    return [str(names.get(each, each)) for each in parcel.get("readings") or ()]


def _pick_all(both: object, speech: Speech) -> tuple[str, ...]:
    rows = both if isinstance(both, list) else []
    return tuple(speech.words.pick((row["zh"], row["en"])) for row in rows)


def _say(value: float | None, speech: Speech) -> str:
    return "—" if value is None else speech.number(value, 1)


def _say_mm(value: float | None, speech: Speech) -> str:
    return speech.words("parcels.value_mm", n=_say(value, speech))


def _day(written: str | None) -> date | None:
    return None if written is None else date.fromisoformat(written)
