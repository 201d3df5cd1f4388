"""From advice on parcels to orders for their valves: what to propose, and what not.

Pure: the advice of a night and what the valves gave come in, orders go out. Nothing is
opened by that; a person still approves, and every rule is asked again then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Self

from agroforest.core.errors import DataError
from agroforest.core.identity import digest
from agroforest.core.valve import Order
from agroforest.valves.limits import Limits

#: Who proposes what comes from the advice of a night; no person.
ADVISED = "water advise"

#: A shorter opening is not worth a person's approval, seconds. Arbitrary.
_LEAST_S = 60
_IRRIGATE = "irrigate"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldAdvice:
    """What a night says of one parcel.

    Attributes
    ----------
    parcel
        Its id.
    zh, en
        Its name.
    sentence_zh, sentence_en
        The advice.
    irrigate
        Whether to.
    m3, gross_mm, net_mm
        Water from the pipe on the whole parcel, m³ and mm, and what of it reaches the
        roots' zone, mm; ``None`` where nothing is to be given.
    depletion_mm
        What the roots' zone takes tonight, mm; ``None`` if not known.
    latest
        Last day on which it still prevents stress.
    watered
        Day of the last irrigation on record.
    sensors
        Ids of probes of soil moisture on the parcel: trusted and doubted ones.
    doubted
        Of those that the night does not trust, the reason.
    """

    parcel: str
    zh: str
    en: str
    sentence_zh: str
    sentence_en: str
    irrigate: bool
    m3: float | None = None
    gross_mm: float | None = None
    net_mm: float | None = None
    depletion_mm: float | None = None
    latest: date | None = None
    watered: date | None = None
    sensors: tuple[str, ...] = ()
    doubted: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Read a parcel of a night's file."""
        probes = [p for p in plain["sensors"] if p["trust"] is not None]
        return cls(
            parcel=plain["id"],
            zh=plain["name_zh"],
            en=plain["name_en"],
            sentence_zh=plain["zh"],
            sentence_en=plain["en"],
            irrigate=plain["verdict"] == _IRRIGATE,
            m3=plain["amount_m3"],
            gross_mm=plain["amount_mm"],
            net_mm=plain["net_mm"],
            depletion_mm=plain["depletion_mm"],
            latest=_day(plain["latest"]),
            watered=_day(plain["last_irrigation"]),
            sensors=tuple(p["id"] for p in probes),
            doubted={p["id"]: p["en"] for p in probes if not p["used"]},
        )

    @property
    def wanted_m3(self) -> float:
        """Cubic metres that the advice asks for, and never more than go in tonight.

        The amount of the advice is that of its latest date. Given earlier, what the
        soil does not take yet would be lost below the roots.
        """
        m3 = self.m3 or 0.0
        if self.net_mm and self.depletion_mm is not None:
            m3 *= min(1.0, max(0.0, self.depletion_mm) / self.net_mm)
        return m3


@dataclass(frozen=True, kw_only=True, slots=True)
class NightAdvice:
    """What a night says of all parcels.

    Attributes
    ----------
    pipeline
        Whose night.
    night, moment
        The night, and until when it knew anything.
    fields
        By parcel.
    """

    pipeline: str
    night: date
    moment: datetime
    fields: Mapping[str, FieldAdvice]

    @classmethod
    def of(cls, pipeline: str, document: Mapping[str, Any]) -> Self:
        """Read the file of a night, ``water/NIGHT.json``.

        Raises
        ------
        DataError
            It was written by another version.
        """
        try:
            fields = [FieldAdvice.of(plain) for plain in document["parcels"]]
            return cls(
                pipeline=pipeline,
                night=date.fromisoformat(document["night"]),
                moment=datetime.fromisoformat(document["moment"]),
                fields={each.parcel: each for each in fields},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the advice of {document.get('night')}",
                f"cannot be read ({error!r})",
                "run the night again: agroforest nightly PIPELINE",
            ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the advice wants of one valve.

    Attributes
    ----------
    valve, parcel
        Ids.
    order
        To be proposed; ``None`` where nothing is.
    zh, en
        Why nothing is.
    """

    valve: str
    parcel: str
    order: Order | None = None
    zh: str = ""
    en: str = ""


def find_wish(
    valve: str,
    parcel: str,
    advice: NightAdvice,
    *,
    last: Order | None,
    limits: Limits,
    now: datetime,
) -> Wish:
    """Find what the advice of a night wants of a valve.

    Parameters
    ----------
    valve, parcel
        Id of the valve, and of the parcel that it waters.
    advice
        Of the night.
    last
        The valve's last opening, whenever that was; ``None`` if there was none.
    limits
        What valves may do.
    now
        The moment.

    Returns
    -------
    Wish
        An order of at most the valve's longest opening, whose id is a digest of the
        night, the parcel, the valve, its seconds and its sensors; or why there is
        none.
    """
    found = advice.fields.get(parcel)
    if found is None:
        zh, en = f"建议中没有地块 {parcel}", f"the advice names no parcel {parcel}"
        return Wish(valve=valve, parcel=parcel, zh=zh, en=en)
    if not found.irrigate:
        return Wish(
            valve=valve, parcel=parcel, zh=found.sentence_zh, en=found.sentence_en
        )
    given = _find_unrecorded(last, found, advice, limits)
    if given is not None:
        return Wish(valve=valve, parcel=parcel, zh=given[0], en=given[1])
    limit = limits.valves[valve]
    whole_s = int(found.wanted_m3 / limit.rated_m3h * 3600)
    seconds = min(whole_s, limit.longest_s)
    if seconds < _LEAST_S:
        zh, en = "今晚土壤容不下更多水", "the soil takes no more water tonight"
        return Wish(valve=valve, parcel=parcel, zh=zh, en=en)
    order = Order(
        id=digest(
            *("advised", advice.pipeline, advice.night, parcel),
            *(valve, seconds, found.sensors),
        ),
        valve=valve,
        seconds=seconds,
        why=_explain(found, seconds, whole_s),
        sensors=found.sensors,
        proposed=now,
        proposed_by=ADVISED,
    )
    return Wish(valve=valve, parcel=parcel, order=order)


def _find_unrecorded(
    last: Order | None, found: FieldAdvice, advice: NightAdvice, limits: Limits
) -> tuple[str, str] | None:
    """Find water that this valve gave and the balance does not have."""
    if last is None or last.sent is None or last.m3 <= 0:
        return None
    day = limits.day(last.sent)
    if last.sent >= advice.moment:
        return (
            f"此建议之后已开阀（{day}，{last.m3:.1f} m³），请再运行一夜",
            f"{last.m3:.1f} m³ were given on {day}, since that advice: run a night",
        )
    if found.watered is None or found.watered < day:
        zh = f"{day} 开阀给水 {last.m3:.1f} m³，灌溉记录中没有，请补记后再运行"
        en = f"the irrigation records lack the {last.m3:.1f} m³ of {day}"
        return zh, f"{en}: add them (agroforest valve given), run the night again"
    return None


def _explain(found: FieldAdvice, seconds: int, whole_s: int) -> str:
    """Say why, for who approves."""
    zh, en = found.zh, found.en
    if found.latest is not None:
        zh, en = f"{zh} 最迟 {found.latest}", f"{en} by {found.latest}"
    gross, m3 = found.gross_mm or 0.0, found.m3 or 0.0
    zh, en = f"{zh} 灌水 {gross:.0f} mm，", f"{en}: {gross:.0f} mm, "
    zh, en = f"{zh}{m3:.0f} m³", f"{en}{m3:.0f} m³"
    if seconds < whole_s:
        part = f"{seconds / 60:.0f}/{whole_s / 60:.0f} min"
        zh, en = f"{zh}，先开 {part}", f"{en}, {part} for now"
    return f"{zh} · {en}"


def _day(words: str | None) -> date | None:
    return None if words is None else date.fromisoformat(words)
