"""Forms of acts: what a browser sends, as a command to the desk."""

from collections.abc import Callable, Mapping
from datetime import date

from starlette.datastructures import FormData

from agroforest.core.review import (
    NOTE_LENGTH,
    REASONS,
    Act,
    Reason,
    Sampling,
    Verdict,
)
from agroforest.review import commands as ask
from agroforest.web.drawn import draw_line

Form = Mapping[str, str]


class FormError(Exception):
    """A form that says too little; `key` names the words that say what is missing."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def read_texts(sent: FormData) -> dict[str, str]:
    """Take the texts of a form; files are no part of it."""
    return {key: value for key, value in sent.items() if isinstance(value, str)}


def read_command(act: Act, case: str, form: Form, sent: FormData) -> ask.Command:
    """Read what a form asks for.

    Raises
    ------
    FormError
        Something is missing that the act needs.
    DataError
        The desk does not take it.
    """
    note = _clean(form.get("note", ""))
    if act in _NOTE_NEEDED and not note:
        raise FormError("form.note")
    read = _READERS.get(act)
    if read is None:
        raise FormError("form.stale")
    return read(case, note, form, sent)


def _judge(kind: type[ask.Confirm | ask.Dismiss], verdict: Verdict) -> "_Reader":
    def read(case: str, note: str, form: Form, _: FormData) -> ask.Command:
        chosen = form.get("reason", "")
        if chosen not in set(REASONS[verdict]):
            raise FormError("form.reason")
        reason = Reason(chosen)
        if reason == Reason.OTHER and not note:
            raise FormError("form.note")
        return kind(case=case, note=note, reason=reason)

    return read


_Bare = (
    ask.Pass
    | ask.Approve
    | ask.Return
    | ask.Note
    | ask.Unmerge
    | ask.Unsplit
    | ask.Close
    | ask.Reopen
)


def _bare(kind: type[_Bare]) -> "_Reader":
    def read(case: str, note: str, _form: Form, _sent: FormData) -> ask.Command:
        return kind(case=case, note=note)

    return read


def _assign(case: str, note: str, form: Form, _: FormData) -> ask.Command:
    return ask.Assign(case=case, note=note, to=form.get("to", ""))


def _order(case: str, note: str, form: Form, _: FormData) -> ask.Command:
    to = form.get("to", "").strip()
    if not to:
        raise FormError("form.to")
    written = form.get("due", "").strip()
    try:
        due = date.fromisoformat(written) if written else None
    except ValueError:
        raise FormError("form.day") from None
    return ask.OrderCheck(
        case=case, note=note, to=to, due=due, sample=form.get("sample") == "yes"
    )


def _report(case: str, note: str, form: Form, _: FormData) -> ask.Command:
    found = _clean(form.get("found", ""))
    if not found:
        raise FormError("form.found")
    return ask.ReportCheck(case=case, note=note, found=found)


def _sample(case: str, note: str, form: Form, _: FormData) -> ask.Command:
    step = form.get("step", "")
    if step not in set(Sampling):
        raise FormError("form.stale")
    answers = {"positive": True, "negative": False}
    answer = answers.get(form.get("answer", ""))
    if step == Sampling.LABORATORY and answer is None:
        raise FormError("form.sample")
    positive = answer if step == Sampling.LABORATORY else None
    return ask.Sample(case=case, note=note, to=Sampling(step), positive=positive)


def _merge(case: str, note: str, _: Form, sent: FormData) -> ask.Command:
    others = [str(each) for each in sent.getlist("others") if isinstance(each, str)]
    if not others:
        raise FormError("form.others")
    return ask.Merge(case=case, note=note, others=tuple(dict.fromkeys(others)))


def _split(case: str, note: str, form: Form, _: FormData) -> ask.Command:
    written = form.get("line", "").replace(",", " ").replace("，", " ")
    rows = [row.split() for row in written.splitlines() if row.strip()]
    if not rows:
        return ask.Split(case=case, note=note)
    try:
        points = [(float(east), float(north)) for east, north in rows]
    except ValueError:
        raise FormError("form.line") from None
    line = draw_line(points)
    if line is None:
        raise FormError("form.line")
    return ask.Split(case=case, note=note, line=line)


_Reader = Callable[[str, str, Form, FormData], ask.Command]
_NOTE_NEEDED = frozenset({Act.NOTE, Act.RETURN, Act.REOPEN})
_READERS: Mapping[Act, _Reader] = {
    Act.PASS: _bare(ask.Pass),
    Act.CONFIRM: _judge(ask.Confirm, Verdict.CONFIRMED),
    Act.DISMISS: _judge(ask.Dismiss, Verdict.DISMISSED),
    Act.APPROVE: _bare(ask.Approve),
    Act.RETURN: _bare(ask.Return),
    Act.ASSIGN: _assign,
    Act.ORDER_CHECK: _order,
    Act.REPORT_CHECK: _report,
    Act.SAMPLE: _sample,
    Act.NOTE: _bare(ask.Note),
    Act.MERGE: _merge,
    Act.UNMERGE: _bare(ask.Unmerge),
    Act.SPLIT: _split,
    Act.UNSPLIT: _bare(ask.Unsplit),
    Act.CLOSE: _bare(ask.Close),
    Act.REOPEN: _bare(ask.Reopen),
}


def _clean(text: str) -> str:
    """Text as it may be kept: forms end lines with two characters."""
    plain = text.replace("\r\n", "\n").strip()
    if len(plain) > NOTE_LENGTH:
        raise FormError("form.long")
    return plain


def read_version(form: Form) -> int:
    """Read the version at which the case was seen."""
    try:
        return int(form.get("version", ""))
    except ValueError:
        raise FormError("form.stale") from None


def read_marked(sent: FormData) -> dict[str, int]:
    """Read which cases are marked, and the version each was seen at, in order."""
    seen: dict[str, int] = {}
    for each in sent.getlist("marked"):
        case, _, version = str(each).rpartition(":")
        if not case or not version.isdecimal():
            raise FormError("form.stale")
        seen[case] = int(version)
    if len(seen) < 2:
        raise FormError("form.others")
    return seen
