"""What nights will take, before anything runs: time, bytes, disk, electricity.

A night knows nothing of it: it plans nights and rehearses tasks as they are.
"""

from agroforest.nightly.outlook.estimate import Estimate
from agroforest.nightly.outlook.lookahead import Outlook, Terms, look_ahead
from agroforest.nightly.outlook.rates import Cost

__all__ = ["Cost", "Estimate", "Outlook", "Terms", "look_ahead"]
