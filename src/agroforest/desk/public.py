"""What the public may read of cases: CAP messages and a feed, as `[public]` asks."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from agroforest.core.queue import CaseQuery, Order
from agroforest.core.review import Verdict
from agroforest.core.risk import Hazard
from agroforest.desk.bureau import Bureau
from agroforest.desk.learning import read_rows
from agroforest.publish.cap import Sender
from agroforest.publish.cap_folder import publish
from agroforest.publish.cap_grade import CANOPY_LASTS
from agroforest.publish.cap_history import History
from agroforest.store import Store

#: Cases that did not change for longer have nothing in the feed: their last message has
#: expired. A day more, for a night's steps bear the time of its end.
_LASTS = CANOPY_LASTS + timedelta(days=1)
_PORTION = 500


def publish_news(
    store: Store, bureau: Bureau, folder: Path, now: datetime
) -> tuple[Path, ...]:
    """Bring the public folder up to date; nothing is done without ``[public]``.

    May be repeated: a message that is there stays as it went out.

    Parameters
    ----------
    store
        Open.
    bureau
        Settings, and what is simulated.
    folder
        What the public may read.
    now
        UTC.

    Returns
    -------
    tuple of Path
        Messages that are new.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    section = bureau.settings.public
    if section is None:
        return ()
    settings = bureau.settings
    simulated = frozenset(filter(bureau.is_simulated, bureau.pipelines))
    sender = Sender(
        id=section.sender,
        name=(
            section.name_zh or settings.title_zh,
            section.name_en or settings.title_en,
        ),
        contact=section.contact,
        link=section.link,
        simulated=True if settings.notify.simulated else simulated,
    )
    return publish(folder, read_histories(store, now), sender, now)


def read_histories(store: Store, now: datetime) -> Iterator[History]:
    """Read the cases of which something may be public: those judged, and fires."""
    since = now - _LASTS
    judged = CaseQuery(verdicts=tuple(Verdict), order=Order.CHANGED)
    fires = CaseQuery(hazards=(Hazard.ACTIVE_FIRE,), order=Order.CHANGED)
    ids: dict[str, str] = {}
    for query in (judged, fires):
        for row in read_rows(store, query):
            if row.changed < since:
                break
            ids[row.id] = row.pipeline if row.hazard is Hazard.ACTIVE_FIRE else ""
    facts = {
        alert.id: known
        for pipeline in sorted({name for name in ids.values() if name})
        for alert, known in store.fire_alerts(pipeline)
    }
    names = list(ids)
    for at in range(0, len(names), _PORTION):
        found = store.desk.cases(names[at : at + _PORTION])
        for case in found.values():
            steps = store.desk.steps(case.id)
            yield History(case=case, steps=steps, fire=facts.get(case.alert))
