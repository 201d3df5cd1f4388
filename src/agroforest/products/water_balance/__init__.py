"""The water balance of a field's season: its files in, a table of days out."""

from agroforest.products.water_balance.request import BalanceRequest
from agroforest.products.water_balance.run import BalanceReport, write_balance

__all__ = ["BalanceReport", "BalanceRequest", "write_balance"]
