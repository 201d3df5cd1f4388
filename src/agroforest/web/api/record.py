"""What was done, told and set: audit, messages and thresholds over JSON."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from agroforest.core.account import Right
from agroforest.core.audit import Deed
from agroforest.core.chain import Sealed
from agroforest.core.errors import DataError
from agroforest.core.message import Delivery, Message, News
from agroforest.core.risk import Hazard
from agroforest.core.threshold import Threshold, ThresholdSet
from agroforest.desk import learning
from agroforest.web.access import Visit, need, need_login
from agroforest.web.api.answers import BODY, CONFLICT, FAULTS
from agroforest.web.api.shapes import Shape

_Audit = Annotated[Visit, Depends(need(Right.SEE_AUDIT))]
_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]
_Set = Annotated[Visit, Depends(need(Right.SET_THRESHOLDS))]
_Known = Annotated[Visit, Depends(need_login)]
_Word = Annotated[str, Query(max_length=200)]
_Many = Annotated[int, Query(ge=1, le=500)]
_Number = Annotated[int, Query(ge=1, le=2**53)]

router = APIRouter()


class DeedShape(Shape):
    """An entry of the audit."""

    number: int
    time: datetime
    who: str
    what: str = Field(examples=["case.confirm"])
    subject: str
    why: str
    before: dict[str, Any]
    after: dict[str, Any]
    previous: str = Field(description="Digest of the entry before.")
    digest: str = Field(description="SHA-256 of `previous`, `number` and the deed.")

    @classmethod
    def from_sealed(cls, sealed: Sealed[Deed]) -> "DeedShape":
        """Show an entry."""
        deed = sealed.entry
        return cls(
            number=sealed.number,
            time=deed.time,
            who=deed.who,
            what=deed.what,
            subject=deed.subject,
            why=deed.why,
            before=dict(deed.before),
            after=dict(deed.after),
            previous=sealed.previous,
            digest=sealed.digest,
        )


class Checked(Shape):
    """Whether the audit is whole."""

    whole: bool
    entries: int | None = Field(description="How many there are, if it is.")
    problem: str = Field(description="Which entry does not follow, if it is not.")


class MessageShape(Shape):
    """A message and how far it is; its text is not kept."""

    key: str
    subject: str = Field(description="Id of the case, or of a parcel and day.")
    state: str
    news: News
    account: str
    channel: str
    created: datetime
    due: datetime
    urgent: bool
    delivery: Delivery
    attempts: int
    sent: datetime | None
    acknowledged: datetime | None
    error: str

    @classmethod
    def from_message(cls, message: Message) -> "MessageShape":
        """Show a message."""
        return cls(
            key=message.key,
            subject=message.subject,
            state=message.state,
            news=message.news,
            account=message.account,
            channel=message.channel,
            created=message.created,
            due=message.due,
            urgent=message.urgent,
            delivery=message.delivery,
            attempts=message.attempts,
            sent=message.sent,
            acknowledged=message.acknowledged,
            error=message.error,
        )


class ThresholdShape(Shape):
    """From which probability on a case is worth a look."""

    hazard: Hazard
    county: str = Field(description="Code; empty for counties without their own.")
    value: float
    target: float = Field(description="Share of confirmed cases asked for.")
    verdicts: int = Field(description="Decided cases that it rests on.")
    precision: float
    low: float = Field(description="Of the 95 % interval of `precision`.")
    high: float

    @classmethod
    def from_threshold(cls, one: Threshold) -> "ThresholdShape":
        """Show a threshold."""
        return cls(
            hazard=one.hazard,
            county=one.county,
            value=one.value,
            target=one.target,
            verdicts=one.verdicts,
            precision=one.precision,
            low=one.low,
            high=one.high,
        )


class ThresholdsShape(Shape):
    """All thresholds from a moment on."""

    version: int
    time: datetime
    by: str
    note: str
    reverts_to: int = Field(description="Version whose thresholds these are, or 0.")
    thresholds: tuple[ThresholdShape, ...]

    @classmethod
    def from_set(cls, taken: ThresholdSet) -> "ThresholdsShape":
        """Show a version."""
        return cls(
            version=taken.version,
            time=taken.time,
            by=taken.by,
            note=taken.note,
            reverts_to=taken.reverts_to,
            thresholds=tuple(map(ThresholdShape.from_threshold, taken.thresholds)),
        )


class Revert(Shape):
    """Thresholds to be in force again."""

    version: int = Field(ge=0, le=2**31 - 1, description="0 for none at all.")
    note: str = Field(default="", max_length=2000)


# None of these is asynchronous: a query would stop the loop.
@router.get("/audit", responses=FAULTS, tags=["audit"])
def list_deeds(
    visit: _Audit,
    *,
    subject: _Word = "",
    who: _Word = "",
    what: _Word = "",
    before: _Number | None = None,
    limit: _Many = 100,
) -> tuple[DeedShape, ...]:
    """List entries, the newest first; `before` the last number is the next page."""
    found = visit.site.store.desk.deeds(
        subject=subject, who=who, what=what, before=before, limit=limit
    )
    return tuple(map(DeedShape.from_sealed, found))


@router.get("/audit/check", responses=FAULTS, tags=["audit"])
def check_audit(visit: _Audit, *, head: _Word = "") -> Checked:
    """Follow the whole chain, and say whether each entry follows the one before.

    `head` is the digest of an entry seen before; without it nobody can tell that the
    end was cut off.
    """
    try:
        entries = visit.site.store.desk.check_audit([head] if head else [])
    except DataError as error:
        return Checked(whole=False, entries=None, problem=str(error))
    return Checked(whole=True, entries=entries, problem="")


@router.get("/messages", responses=FAULTS, tags=["messages"])
def list_messages(
    visit: _Known,
    *,
    subject: _Word = "",
    account: _Word = "",
    delivery: Annotated[list[Delivery], Query(max_length=10)] = [],  # noqa: B006
    limit: _Many = 100,
) -> tuple[MessageShape, ...]:
    """List messages, the newest first: yours, or everybody's to who reads the audit."""
    if not visit.may(Right.SEE_AUDIT):
        account = visit.account.name
    found = visit.site.store.desk.messages(
        subject=subject, account=account, delivery=delivery, limit=limit
    )
    return tuple(map(MessageShape.from_message, found))


@router.get("/thresholds", responses=FAULTS, tags=["thresholds"])
def list_thresholds(visit: _See) -> tuple[ThresholdsShape, ...]:
    """List every version; the last one is in force."""
    return tuple(map(ThresholdsShape.from_set, visit.site.store.desk.thresholds()))


@router.post(
    "/thresholds/revert",
    responses=FAULTS | CONFLICT | BODY,
    tags=["thresholds"],
)
def revert_thresholds(visit: _Set, form: Revert) -> ThresholdsShape:
    """Put the thresholds of an earlier version in force again."""
    site = visit.site
    taken = learning.revert(
        site.store, form.version, visit.account, now=site.now(), note=form.note
    )
    return ThresholdsShape.from_set(taken)
