"""Where ``agroforest valve`` keeps orders, audit and readings."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agroforest.store import Store
    from agroforest.valves.settings import ValveSettings


def open_valves(settings: "ValveSettings", config: Path, work: Path) -> "Store":
    """Open the database that valves are kept in."""
    from agroforest.nightly.workplace import Workplace
    from agroforest.store import PROMPT_S, open_store

    if not settings.database:
        return open_store(Workplace(root=work, pipeline="").database)
    if "://" in settings.database:
        return open_store(settings.database, silence_s=PROMPT_S)
    return open_store(config.absolute().parent / settings.database)
