"""Parts of the queue that many look at again and again: rows, dialogs.

Each is rendered once for all who see the same, and kept by everything it shows; so
what is kept is never old, and nobody sees what is another's.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from functools import lru_cache
from operator import attrgetter
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup

from agroforest.core.account import Right
from agroforest.core.queue import QueueRow
from agroforest.core.review import REASONS, WAITING, Case, Reason, Verdict
from agroforest.web.access import Visit
from agroforest.web.pages.layout import compile_templates, hide_field, speech_of
from agroforest.web.views import RowView, Speech, view_row
from agroforest.web.words import Words

#: Rows and dialogs that are kept: one to four kilobytes each. Arbitrary.
_ROWS_KEPT, _DIALOGS_KEPT = 8_000, 256
_OFFERED: Mapping[str, tuple[Reason, ...]] = {
    "confirm": REASONS[Verdict.CONFIRMED],
    "dismiss": REASONS[Verdict.DISMISSED],
}
#: What every row has as text, whoever wrote it.
_TEXTS = attrgetter(
    *("id", "short", "hazard", "stage", "name", "place", "area", "probability"),
    *("first", "age", "clear", "clear_age", "stage_name", "verdict", "assignee"),
    *("due", "pressing", "mark", "acts"),
)
#: Between texts that are escaped together; from outside it comes by accident at most.
_BETWEEN = "\x1f"


def show_rows(visit: Visit, rows: Iterable[QueueRow]) -> Markup:
    """Put rows into words."""
    speech = speech_of(visit)
    names, may_judge = visit.site.accounts(), visit.may(Right.JUDGE)
    # Most rows tell the day only, and are the same until the day ends.
    noon = datetime.combine(speech.today, time(12), speech.zone)
    minute = speech.now.replace(second=0, microsecond=0)
    shown = []
    for row in rows:
        found = names.get(row.assignee)
        shown.append(
            _render_known(
                row,
                speech.words.language,
                speech.zone,
                minute if row.due is not None and row.stage in WAITING else noon,
                row.assignee if found is None else found.title or row.assignee,
                may_judge,
            )
        )
    return Markup("\n".join(shown))  # noqa: S704  each is escaped in `_write_row`


def show_row(visit: Visit, row: QueueRow | Case) -> Markup:
    """Put one row into words."""
    assignee = visit.site.title_of(row.assignee) if row.assignee else ""
    may_judge = visit.may(Right.JUDGE)
    view = view_row(row, speech_of(visit), assignee=assignee, may_judge=may_judge)
    return Markup(_write_row(view, may_judge=may_judge))  # noqa: S704  escaped


# By position, for keywords make keys that take twice as long to look up.
@lru_cache(maxsize=_ROWS_KEPT)
def _render_known(
    row: QueueRow,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    assignee: str,
    may_judge: bool,
) -> str:
    speech = _find_speech(language, zone, now)
    view = view_row(row, speech, assignee=assignee, may_judge=may_judge)
    return _write_row(view, may_judge=may_judge)


@lru_cache(maxsize=64)
def _find_speech(language: str, zone: ZoneInfo, now: datetime) -> Speech:
    return Speech(words=Words(language), zone=zone, now=now)


def _write_row(row: RowView, *, may_judge: bool) -> str:
    """Write a row as HTML; by hand, for a page has fifty of them, most seldom seen."""
    texts = _escape(_TEXTS(row))
    case, short, hazard, stage, name, place, area, probability, *texts = texts
    first, age, clear, clear_age, stage_name, verdict, assignee, *texts = texts
    due, pressing, mark, acts = texts
    done = "" if row.is_waiting else ' class="done"'
    said = f' <span class="small">{verdict}</span>' if verdict else ""
    box = (
        f'<td class="mark"><input type="checkbox" name="marked" '
        f'value="{case}:{row.version}" aria-label="{mark}"></td>'
    )
    return (
        f'<tr id="case-{case}" data-case="{case}" data-version="{row.version}" '
        f'data-acts="{acts}"{done}>\n{box if may_judge else ""}\n'
        f'<td class="what"><a href="/alerts/{quote(row.id)}">'
        f'<span class="hazard {hazard}" aria-hidden="true"></span>{name}</a> '
        f'<span class="id">{short}</span></td>\n'
        f'<td class="place"><bdi>{place}</bdi></td>\n'
        f'<td class="number area">{area}</td>\n'
        f'<td class="number chance">{probability}</td>\n'
        f'<td class="first">{first} <span class="small">{age}</span></td>\n'
        f'<td class="clear">{clear} <span class="small">{clear_age}</span></td>\n'
        f'<td class="stage"><span class="badge stage-{stage}">{stage_name}</span>'
        f"{said}</td>\n"
        f'<td class="who"><bdi>{assignee}</bdi></td>\n'
        f'<td class="due {pressing}">{due}</td>\n</tr>'
    )


def _escape(texts: Sequence[str]) -> Sequence[str]:
    """Escape texts for HTML: together, in a third of the time."""
    escaped = html.escape(_BETWEEN.join(texts)).split(_BETWEEN)
    if len(escaped) != len(texts):  # somebody wrote what stands between them
        return [html.escape(text) for text in texts]
    return escaped


def show_dialogs(visit: Visit) -> Markup:
    """Show the dialogs of the keys."""
    may_judge = visit.may(Right.JUDGE)
    return _render_dialogs(visit.words.language, visit.csrf, may_judge=may_judge)


@lru_cache(maxsize=_DIALOGS_KEPT)
def _render_dialogs(language: str, csrf: str, *, may_judge: bool) -> Markup:
    text = (
        compile_templates(language)
        .get_template("queue_dialogs.html")
        .render(
            t=Words(language),
            csrf_field=hide_field(csrf),
            may_judge=may_judge,
            offered=_OFFERED,
        )
    )
    return Markup(text)  # noqa: S704  escaped
