"""Fires seen from space, and what becomes of them: the words all rooms share.

A hotspot is heat that a satellite saw, never a confirmed fire. Somebody has to go and
look, and the clock of `FireFacts` says until when.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from unicodedata import category

from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import DataError

#: Characters that a name and a note may have. Arbitrary; a note is no report.
NAME_LENGTH = 200
NOTE_LENGTH = 2000


class EventKind(StrEnum):
    """What an event is taken for; a suspicion, never a finding."""

    FIRE = "fire"
    CROP = "crop"  #: burning of fields
    STATIC = "static"  #: a chimney, a flare, a kiln


class EventConfidence(StrEnum):
    """Confidence of the surest detection of an event."""

    HIGH = "high"
    NOMINAL = "nominal"
    LOW = "low"


class Gate(StrEnum):
    """What the gate says of an alert; see `agroforest.alerts.gate`."""

    PASSED = "passed"  #: enough evidence for such a day
    HELD = "held"  #: wait for another look
    UNGATED = "ungated"  #: the day's danger is not known; let through


class Outcome(StrEnum):
    """What somebody found where a hotspot was."""

    FOREST_FIRE = "forest-fire"
    CROP_BURNING = "crop-burning"
    PLANNED_BURNING = "planned-burning"  #: permitted, watched
    STATIC_SOURCE = "static-source"
    NOTHING = "nothing"  #: no trace of fire


@dataclass(frozen=True, kw_only=True, slots=True)
class HotspotEvent:
    """Detections that are one fire, as far as the sky can tell, up to some moment.

    Attributes
    ----------
    id
        Digest of the first detection; stays the same while the event grows.
    geometry
        Where to look: polygon in WGS 84, not what burns.
    longitude, latitude
        Centre, degrees, WGS 84.
    kind
        What it is taken for.
    confidence
        Of the surest detection.
    sure_viirs
        Holds a VIIRS detection of nominal or high confidence.
    first, last
        First and last overpass that saw it, UTC.
    looks
        Overpasses of a satellite that saw it.
    detections, viirs, modis
        How many in all, and by which instrument.
    satellites
        Names as in the feed, sorted.
    frp_max_mw
        Greatest radiative power of a detection, MW; ``None`` where unknown.
    county, township
        Chinese and English name; empty where unknown.
    county_code
        Of the county; empty where unknown.
    crop_share
        Share of fields in the pixels, 0..1; ``None`` without land cover.

    Raises
    ------
    DataError
        A time has no zone, or the last comes before the first.
    """

    id: str
    geometry: BaseGeometry = field(repr=False)
    longitude: float
    latitude: float
    kind: EventKind
    confidence: EventConfidence
    sure_viirs: bool
    first: datetime
    last: datetime
    looks: int
    detections: int
    viirs: int = 0
    modis: int = 0
    satellites: tuple[str, ...] = ()
    frp_max_mw: float | None = None
    county: tuple[str, str] = ("", "")
    county_code: str = ""
    township: tuple[str, str] = ("", "")
    crop_share: float | None = None

    def __post_init__(self) -> None:
        _require_zone(f"event {self.id}", self.first, self.last)
        if self.last < self.first:
            raise DataError(
                f"event {self.id}",
                f"seen last ({self.last}) before first ({self.first})",
                "give its detections in order of time",
            )

    def patch(self, **changes: object) -> "HotspotEvent":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What somebody found, and when: it stops the clock.

    Attributes
    ----------
    time
        When it was found, UTC.
    outcome
        What.
    by
        Who says so.
    note
        In their words.

    Raises
    ------
    DataError
        The time has no zone, nobody is named, or a text is longer than `NAME_LENGTH`
        and `NOTE_LENGTH` or cannot be kept: control characters, broken UTF-8.
    """

    time: datetime
    outcome: Outcome
    by: str
    note: str = ""

    def __post_init__(self) -> None:
        _require_zone("verification", self.time)
        _require_text("name of who looked", self.by, NAME_LENGTH)
        # Lines and columns are a note's own.
        _require_text("note", self.note.translate(_LAYOUT), NOTE_LENGTH)
        if not self.by.strip():
            raise DataError("verification", "names nobody", "say who looked")


@dataclass(frozen=True, kw_only=True, slots=True)
class FireFacts:
    """What an alert of a fire says beside what every alert says.

    Attributes
    ----------
    alert
        Id of the alert.
    event
        As it was seen last.
    gate
        Passed or ungated; a held event is no alert.
    gate_zh, gate_en
        Why, a sentence each.
    raised
        When the alert was made known, UTC: the clock starts.
    verify_by
        Until when somebody must have looked, UTC.
    verification
        What they found; ``None`` while nobody has said so.

    Raises
    ------
    DataError
        A time has no zone, or the clock ends before it starts.
    """

    alert: str
    event: HotspotEvent
    gate: Gate
    gate_zh: str
    gate_en: str
    raised: datetime
    verify_by: datetime
    verification: Verification | None = None

    def __post_init__(self) -> None:
        _require_zone(f"alert {self.alert}", self.raised, self.verify_by)
        if self.verify_by < self.raised:
            raise DataError(
                f"alert {self.alert}",
                f"to be verified by {self.verify_by}, before it was raised",
                "give a deadline after that",
            )

    def overdue(self, moment: datetime) -> bool:
        """Whether nobody had looked in time, as seen at a moment."""
        end = moment if self.verification is None else self.verification.time
        return end > self.verify_by

    def patch(self, **changes: object) -> "FireFacts":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


_LAYOUT = {ord(c): " " for c in "\n\r\t"}


def _require_zone(where: str, *times: datetime) -> None:
    for time in times:
        if time.utcoffset() is None:
            raise DataError(
                where, f"{time.isoformat()} has no time zone", "give the time with it"
            )


def _require_text(where: str, text: str, length: int) -> None:
    if len(text) > length:
        raise DataError(
            where, f"has {len(text)} characters", f"keep it to {length} characters"
        )
    bad = next((c for c in text if category(c) in {"Cc", "Cs"}), None)
    if bad is not None:
        raise DataError(where, f"holds the character {bad!r}", "leave it out")
