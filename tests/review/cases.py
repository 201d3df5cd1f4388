"""Cases, people and moments that the tests of reviewing share."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from shapely import MultiPolygon, Polygon, box

from agroforest.core.account import Account, Role
from agroforest.core.review import Act, Case, Stage, Step
from agroforest.core.risk import Hazard
from agroforest.review.plain import describe
from agroforest.review.rank import rank_case

NOW = datetime(2024, 5, 2, 1, 30, tzinfo=UTC)
SQUARE = box(102.0, 25.0, 102.01, 25.01)
TWO = MultiPolygon([box(102.0, 25.0, 102.01, 25.01), box(102.02, 25.0, 102.05, 25.01)])


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def account(name: str, role: Role = Role.REVIEWER, **fields: Any) -> Account:
    return Account(name=name, title=name, role=role, created=NOW, **fields)


LI, WANG = account("li"), account("wang")
CHEN, ZHAO = account("chen", Role.SUPERVISOR), account("zhao", Role.SUPERVISOR)
ROOT = account("root", Role.ADMIN)
GUEST, FARMER = account("guest", Role.VIEWER), account("farmer", Role.FARMER)
EVERYBODY = (LI, WANG, CHEN, ZHAO, ROOT, GUEST, FARMER)


def case(
    name: str = "a1",
    *,
    hazard: Hazard = Hazard.CANOPY_LOSS,
    stage: Stage = Stage.PRESCREEN,
    geometry: Polygon | MultiPolygon = SQUARE,
    **fields: Any,
) -> Case:
    made = Case(
        **{
            "id": name,
            "alert": name,
            "pipeline": "demo",
            "hazard": hazard,
            "stage": stage,
            "version": 1,
            "opened": NOW,
            "changed": NOW,
            "geometry": geometry,
            "area_ha": 2.0,
            "probability": 0.7,
            "first_night": date(2024, 5, 1),
            "evidence": date(2024, 4, 30),
            **fields,
        }
    )
    return made.patch(rank=rank_case(made))


def opening(of: Case) -> Step:
    """Build the step that a case at its first version came from."""
    return Step(
        case=of.id,
        number=1,
        time=of.changed,
        by="night",
        act=Act.OPEN,
        data={"before": {}, "after": describe(of)},
    )
