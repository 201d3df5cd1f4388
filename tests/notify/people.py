"""Cases, people and settings that the tests of messages share."""

from datetime import UTC, date, datetime
from typing import Any

from shapely.geometry import box

from agroforest.core.account import Account, Interest, Role
from agroforest.core.message import Message, News
from agroforest.core.review import Case, Stage
from agroforest.core.risk import Hazard
from agroforest.notify.events import Event
from agroforest.notify.facts import describe_case
from agroforest.notify.policy import name_message
from agroforest.notify.settings import NotifySection

NOW = datetime(2024, 5, 3, 4, 0, tzinfo=UTC)  # noon in China
_CHANNELS: dict[str, dict[str, Any]] = {
    "mail": {"kind": "mail", "url_env": "MAIL", "sender": "desk@example.cn"},
    "hook": {"kind": "webhook", "url_env": "HOOK"},
}


def make_settings(**changes: object) -> NotifySection:
    return NotifySection.model_validate({"channels": _CHANNELS, **changes})


def make_case(**changes: Any) -> Case:
    given: dict[str, Any] = {
        "id": "c1",
        "alert": "c1",
        "pipeline": "south",
        "hazard": Hazard.CANOPY_LOSS,
        "stage": Stage.PRESCREEN,
        "version": 1,
        "opened": NOW,
        "changed": NOW,
        "geometry": box(108.32, 22.81, 108.33, 22.82),
        "area_ha": 1.5,
        "probability": 0.83,
        "first_night": date(2024, 5, 2),
        "evidence": date(2024, 5, 1),
        "county": ("450110", "武鸣区", "Wuming"),
        "places": ("p1", "p2"),
    }
    return Case(**{**given, **changes})


def make_account(name: str = "wei", **changes: Any) -> Account:
    given: dict[str, Any] = {
        "name": name,
        "title": name.title(),
        "role": Role.REVIEWER,
        "created": NOW,
        "contacts": {"mail": f"{name}@example.cn"},
        "interest": Interest(),
    }
    return Account(**{**given, **changes})


def make_event(news: News = News.RAISED, **changes: Any) -> Event:
    case = changes.pop("case", None) or make_case()
    given: dict[str, Any] = {
        "news": news,
        "case": case,
        "state": str(news),
        "facts": describe_case(case),
    }
    return Event(**{**given, **changes})


def make_message(**changes: Any) -> Message:
    given: dict[str, Any] = {
        "subject": "c1",
        "state": "raised",
        "news": News.RAISED,
        "account": "wei",
        "channel": "mail",
        "created": NOW,
        "due": NOW,
        "facts": describe_case(make_case()),
    }
    made: dict[str, Any] = {**given, **changes}
    key = name_message(made["subject"], made["state"], made["account"], made["channel"])
    return Message(**{"key": key, **made})
