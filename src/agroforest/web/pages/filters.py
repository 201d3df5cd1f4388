"""What is asked of cases: one form for the queue, the map and exports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from markupsafe import Markup, escape

from agroforest.core.account import Role
from agroforest.core.queue import CaseQuery, Order
from agroforest.core.review import WAITING, Stage
from agroforest.core.risk import Hazard
from agroforest.web.access import Visit
from agroforest.web.pages.layout import address

_QUEUE = "/queue"
_PAGE = 50
_MOST_DAYS = 9999
_NOBODY = "-"  # as in `CaseQuery.assignee`
#: Lists of choices that are kept: one to four kilobytes each. Arbitrary.
_CHOICES_KEPT = 512
_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What a visitor asks the queue for, as the form and addresses write it.

    Attributes
    ----------
    stage
        A stage, ``all``, or nothing for those that wait.
    hazard, county, assignee, order
        As in `CaseQuery`; nothing for all.
    days
        First seen within so many.
    confidence
        Percent, at least.
    least_ha, most_ha
        Hectares.
    after
        Cursor.
    """

    stage: str = ""
    hazard: str = ""
    county: str = ""
    assignee: str = ""
    order: str = str(Order.RANK)
    days: str = ""
    confidence: str = ""
    least_ha: str = ""
    most_ha: str = ""
    after: str = ""

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> "Filters":
        """Read them from an address; what cannot be is left out."""
        stages = {"all", *Stage}
        days = _number(asked.get("days"), most=_MOST_DAYS)
        return cls(
            stage=stage if (stage := asked.get("stage", "")) in stages else "",
            hazard=_word(Hazard, asked.get("hazard")),
            county=asked.get("county", "")[:32],
            assignee=asked.get("assignee", "")[:128],
            order=_word(Order, asked.get("order")) or str(Order.RANK),
            days=days.split(".")[0],
            confidence=_number(asked.get("confidence"), most=100),
            least_ha=_number(asked.get("least_ha"), most=1e9),
            most_ha=_number(asked.get("most_ha"), most=1e9),
            after=asked.get("after", "")[:500],
        )

    @property
    def count(self) -> int:
        """How many of the form's filters are set; the order is none of them."""
        return sum(bool(value) for value in self._narrowing().values())

    @property
    def is_set(self) -> bool:
        """Whether any is."""
        return self.count > 0

    def address(self, **changes: str) -> str:
        """Address of the queue with these filters, some of them changed."""
        return address(_QUEUE, **({"stage": self.stage, **self._others()} | changes))

    def addresses(self, stages: Iterable[str]) -> list[str]:
        """Addresses of the queue with these filters, of other stages."""
        others = address("", **self._others()).removeprefix("?")
        asked = ([f"stage={s}"] if s else [] for s in stages)
        queries = ("&".join([*each, others] if others else each) for each in asked)
        return [f"{_QUEUE}?{query}" if query else _QUEUE for query in queries]

    def query(self, today: date) -> CaseQuery:
        """Write them as the store wants them."""
        stages: tuple[Stage, ...] = tuple(s for s in Stage if s in WAITING)
        if self.stage:
            stages = () if self.stage == "all" else (Stage(self.stage),)
        return CaseQuery(
            stages=stages,
            hazards=(Hazard(self.hazard),) if self.hazard else (),
            counties=(self.county,) if self.county else (),
            assignee=self.assignee,
            least_ha=float(self.least_ha) if self.least_ha else None,
            most_ha=float(self.most_ha) if self.most_ha else None,
            least_probability=float(self.confidence) / 100 if self.confidence else None,
            since=today - timedelta(days=int(self.days)) if self.days else None,
            order=Order(self.order),
            after=self.after,
            limit=_PAGE,
        )

    @property
    def asked(self) -> dict[str, str]:
        """Those that are set, stage too, as addresses write them; no order."""
        every = {"stage": self.stage, **self._narrowing()}
        return {name: value for name, value in every.items() if value}

    def _others(self) -> dict[str, str]:
        order = "" if self.order == Order.RANK else self.order
        return {**self._narrowing(), "order": order}

    def _narrowing(self) -> dict[str, str]:
        return {
            "hazard": self.hazard,
            "county": self.county,
            "assignee": self.assignee,
            "days": self.days,
            "confidence": self.confidence,
            "least_ha": self.least_ha,
            "most_ha": self.most_ha,
        }


def list_choices(visit: Visit, filters: Filters) -> dict[str, Markup]:
    """List what each field of the form can be set to, as HTML."""
    words, me = visit.words, visit.account.name
    every = ("", words("queue.all"))
    hazards = [(str(each), words.name(each)) for each in Hazard]
    counties = [
        (code, words.pick((zh, en)) or code) for code, zh, en in visit.site.counties()
    ]
    nobody = [(me, words("queue.me")), (_NOBODY, words("queue.nobody"))]
    others = [pair for pair in list_people(visit) if pair[0] != me]
    stages = [
        ("", words("queue.waiting")),
        *((str(each), words.name(each)) for each in Stage),
        ("all", words("queue.all")),
    ]
    orders = [(str(each), words(f"queue.order.{each}")) for each in Order]
    return {
        "stage": list_options(stages, filters.stage),
        "hazard": list_options([every, *hazards], filters.hazard),
        "county": list_options([every, *counties], filters.county),
        "assignee": list_options([every, *nobody, *others], filters.assignee),
        "order": list_options(orders, filters.order),
    }


def list_people(visit: Visit) -> list[tuple[str, str]]:
    """List who can be responsible for a case, by name as others see it."""
    return sorted(
        (
            (each.name, each.title or each.name)
            for each in visit.site.accounts().values()
            if each.role not in {Role.FARMER, Role.VIEWER} and not each.disabled
        ),
        key=lambda pair: pair[1],
    )


def list_options(pairs: Sequence[tuple[str, str]], chosen: str) -> Markup:
    """List what can be chosen, as HTML; `pairs` are values and what they are called."""
    options = _render_options(tuple(pairs))
    value = f'<option value="{escape(chosen)}"'
    return Markup(options.replace(value, f"{value} selected", 1))  # noqa: S704  escaped


@lru_cache(maxsize=_CHOICES_KEPT)
def _render_options(pairs: tuple[tuple[str, str], ...]) -> str:
    option = Markup('<option value="{}">{}</option>')
    return str(Markup("\n").join(option.format(*pair) for pair in pairs))


def _word(words: type[_Word], asked: str | None) -> str:
    return asked if asked and asked in set(words) else ""


def _number(asked: str | None, *, most: float) -> str:
    """Keep a number from 0 as it was written; anything else is nothing."""
    try:
        value = float(asked or "")
    except ValueError:
        return ""
    return (asked or "").strip() if 0 <= value <= most else ""
