"""What a night may cost at most."""

from agroforest.core.config import BudgetSection
from agroforest.core.cost import Cost

_MINUTE = 60.0
_GIGABYTE = 1e9


def exceeded(section: BudgetSection, cost: Cost) -> str:
    """Which bound a cost has reached, in a few words; empty while none is."""
    bounds = (
        ("minutes", section.minutes, cost.seconds / _MINUTE),
        ("gigabytes", section.gigabytes, cost.bytes_read / _GIGABYTE),
        ("kwh", section.kwh, cost.energy_kwh),
    )
    return "; ".join(
        f"budget.{name} is {bound:g}, {spent:.3g} are spent"
        for name, bound, spent in bounds
        if bound is not None and spent >= bound
    )
