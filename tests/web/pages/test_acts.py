"""What people do at the desk, by forms: it is done, or they learn why not."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
import shapely
from tests.maps.conftest import PAYLOADS
from tests.web.desks import Desk, build_alerts, open_desk

from agroforest.core.review import Act, Reason, Sampling, Stage, Verdict

IDS = [alert.id for alert in build_alerts()]
STRESS, LOSS = IDS[0], IDS[1]
#: What an act's form holds beside its version, and by whom, in the order of a life.
LIFE: list[tuple[str, str, dict[str, Any]]] = [
    ("rui", "pass", {}),
    ("rui", "assign", {"to": "ren"}),
    ("ren", "confirm", {"reason": "seen-in-images"}),
    ("sun", "approve", {}),
    ("rui", "order-check", {"to": "rui", "due": "2024-05-09", "sample": "yes"}),
    ("rui", "report-check", {"found": "枯梢 dry tops"}),
    ("rui", "sample", {"step": "sampled"}),
    ("rui", "sample", {"step": "laboratory", "answer": "positive"}),
    ("rui", "sample", {"step": "felled"}),
    ("rui", "sample", {"step": "stump-checked"}),
    ("rui", "note", {"note": "done\r\nhere"}),
    ("sun", "close", {"note": "all done"}),
    ("sun", "reopen", {"note": "seen again"}),
]


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def version(desk: Desk, case: str) -> int:
    found = desk.store.desk.case(case)
    assert found is not None
    return found.version


def test_a_whole_life_by_forms(desk: Desk) -> None:
    browsers = {name: desk.visitor(name) for name in ("rui", "ren", "sun")}
    for number, (name, act, form) in enumerate(LIFE, 2):
        desk.clock.move(minutes=1)
        page = browsers[name].get(f"/alerts/{STRESS}").text
        assert f'action="/alerts/{STRESS}/{act}"' in page, act
        answer = browsers[name].post(
            f"/alerts/{STRESS}/{act}", version=number - 1, **form
        )
        assert answer.headers["location"] == f"/alerts/{STRESS}", answer.text
        assert version(desk, STRESS) == number
    steps = desk.store.desk.steps(STRESS)
    assert [str(step.act) for step in steps[1:]] == [act for _, act, _ in LIFE]
    assert [step.by for step in steps[1:]] == [name for name, _, _ in LIFE]
    assert steps[11].note == "done\nhere"
    case = desk.store.desk.case(STRESS)
    assert case is not None
    assert (case.stage, case.verdict) == (Stage.VERDICT, Verdict.CONFIRMED)
    assert case.sampling == Sampling.STUMP_CHECKED
    page = browsers["rui"].get(f"/alerts/{STRESS}").text
    assert page.count("<li class=") == len(steps)
    assert "枯梢 dry tops" in page
    assert "seen in images" in page
    assert "new · 1.50 ha (22.5 mu)" in page


def test_what_was_done_is_said_once(desk: Desk) -> None:
    rui = desk.visitor("rui")
    rui.post(f"/alerts/{LOSS}/pass", version=1)
    assert "Passed on to a verdict." in rui.get(f"/alerts/{LOSS}").text
    assert "Passed on to a verdict." not in rui.get(f"/alerts/{LOSS}").text


@pytest.mark.parametrize(
    ("act", "form", "said"),
    [
        ("dismiss", {}, "Choose a reason."),
        ("dismiss", {"reason": "seen-in-field"}, "Choose a reason."),
        ("dismiss", {"reason": "other"}, "Write a note."),
        ("dismiss", {"reason": "other", "note": " \r\n "}, "Write a note."),
        ("dismiss", {"reason": "cloud", "note": "x" * 2001}, "too long"),
        ("dismiss", {"reason": "cloud", "note": "\x07"}, "Not done"),
        ("dismiss", {"reason": "cloud", "version": "x"}, "incomplete"),
        ("note", {"note": ""}, "Write a note."),
        ("order-check", {"to": ""}, "Choose who"),
        ("order-check", {"to": "nobody"}, "Not done"),
        ("order-check", {"to": "rui", "due": "soon"}, "day"),
        ("assign", {"to": "feng"}, "Not done"),
        ("merge", {}, "at least two"),
        ("merge", {"others": LOSS}, "Not done"),
        ("split", {"line": "108 22"}, "two points"),
        ("split", {"line": "108 22\nhere there"}, "two points"),
        ("split", {"line": "108 nan\n1 1"}, "two points"),
        ("split", {"line": "108 22\n108 22"}, "two points"),
        ("split", {"line": "108 22\n108 91"}, "two points"),
        ("split", {}, "Not done"),
        ("sample", {"step": "none"}, "incomplete"),
        ("sample", {"step": "laboratory"}, "laboratory"),
        ("confirm", {"reason": "reported"}, "Not done"),
        ("report-check", {"found": " "}, "what was found"),
        ("open", {}, "incomplete"),
    ],
)
def test_a_form_that_says_too_little(
    desk: Desk, act: str, form: dict[str, Any], said: str
) -> None:
    answer = desk.visitor("rui").post(
        f"/alerts/{STRESS}/{act}", **{"version": 1, **form}
    )
    assert answer.status_code == 422
    assert said in answer.text
    assert version(desk, STRESS) == 1


def test_two_at_once_one_wins_and_the_other_learns_who(desk: Desk) -> None:
    rui, ren = desk.visitor("rui"), desk.visitor("ren")
    for browser in (rui, ren):
        assert 'name="version" value="1"' in browser.get(f"/alerts/{LOSS}").text
    form: dict[str, Any] = {"version": 1, "reason": "harvest"}
    assert rui.post(f"/alerts/{LOSS}/dismiss", **form).status_code == 303
    for partial in (False, True):
        lost = ren.post(f"/alerts/{LOSS}/dismiss", partial=partial, **form)
        assert lost.status_code == 409
        assert "Rui was first (2 May 2024 09:30): dismissed · harvest" in lost.text
        assert f'href="/alerts/{LOSS}"' in lost.text
    assert version(desk, LOSS) == 2


def test_the_queue_shows_the_row_as_it_is_then(desk: Desk) -> None:
    sun = desk.visitor("sun")
    answer = sun.post(
        f"/alerts/{LOSS}/dismiss", partial=True, version=1, reason="cloud"
    )
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith(f'<tr id="case-{LOSS}"')
    assert 'data-version="2"' in answer.text
    assert "dismissed · cloud" in answer.text
    assert 'id="stages"' in answer.text
    undo = re.search(r'action="(/queue/undo/[^"]+)"', answer.text)
    assert undo
    done = sun.post(undo[1].replace("&amp;", "&"), partial=True)
    assert done.headers["hx-trigger-after-swap"] == "desk:changed"
    case = desk.store.desk.case(LOSS)
    assert case is not None
    assert case.stage == Stage.VERDICT
    # Nobody else takes it back but a supervisor.
    rui, ren = desk.visitor("rui"), desk.visitor("ren")
    rui.post(f"/alerts/{LOSS}/dismiss", version=3, reason="cloud")
    undo_path = f"/queue/undo/{LOSS}?version=4"
    assert ren.post(undo_path).status_code == 403
    assert f"/alerts/{LOSS}/return" not in ren.get(f"/alerts/{LOSS}").text
    assert f"/alerts/{LOSS}/return" in rui.get(f"/alerts/{LOSS}").text
    assert rui.post(undo_path).headers["location"] == "/queue"


def test_marked_cases_are_merged_and_parted_again(desk: Desk) -> None:
    rui = desk.visitor("rui")
    marked = [f"{case}:1" for case in (IDS[0], IDS[2], IDS[4])]
    answer = rui.post("/queue/merge", partial=True, marked=marked)
    assert answer.headers["hx-trigger-after-swap"] == "desk:changed"
    cases = desk.store.desk.cases(IDS[:5])
    assert cases[IDS[0]].stage == Stage.PRESCREEN
    assert {cases[i].into for i in (IDS[2], IDS[4])} == {IDS[0]}
    undo = re.search(r'action="(/queue/unmerge[^"]+)"', answer.text)
    assert undo
    assert rui.post(undo[1]).headers["location"] == "/queue"
    cases = desk.store.desk.cases(IDS[:5])
    assert {cases[i].stage for i in (IDS[2], IDS[4])} == {Stage.PRESCREEN}
    # Marked as they were once: somebody acted meanwhile.
    assert rui.post("/queue/merge", marked=marked).status_code == 409
    for wrong in (["x"], [f"{IDS[0]}:1"], [], ["a:b", "c:d"]):
        assert rui.post("/queue/merge", marked=wrong).status_code == 422
    assert rui.post("/queue/merge", marked=["no:1", "such:1"]).status_code == 404


def test_merge_and_split_on_the_page_of_a_case(tmp_path) -> None:
    alerts = build_alerts(4)
    pieces = shapely.union_all([alerts[0].geometry, alerts[2].geometry])
    alerts[0] = alerts[0].patch(geometry=pieces)
    with open_desk(tmp_path, alerts=alerts) as desk:
        rui = desk.visitor("rui")
        page = rui.get(f"/alerts/{IDS[0]}").text
        assert f'name="others" value="{IDS[2]}"' in page
        assert f'value="{IDS[1]}"' not in page  # another hazard
        rui.post(f"/alerts/{IDS[0]}/merge", version=1, others=[IDS[2]])
        gone = rui.get(f"/alerts/{IDS[2]}").text
        assert f'href="/alerts/{IDS[0]}"' in gone
        rui.post(f"/alerts/{IDS[2]}/unmerge", version=version(desk, IDS[2]))
        rui.post(f"/alerts/{IDS[0]}/split", version=version(desk, IDS[0]))
        parts = desk.store.desk.parts(IDS[0])
        assert len(parts) == 2
        page = rui.get(f"/alerts/{IDS[0]}").text
        assert all(f'href="/alerts/{part.id}"' in page for part in parts)
        assert "Undo the split" in page
        rui.post(f"/alerts/{IDS[0]}/unsplit", version=version(desk, IDS[0]))
        case = desk.store.desk.case(IDS[0])
        assert case is not None
        assert case.stage == Stage.PRESCREEN


def test_nobody_approves_their_own_verdict(desk: Desk) -> None:
    sun = desk.visitor("sun")
    sun.post(f"/alerts/{LOSS}/dismiss", version=1, reason="cloud")
    page = sun.get(f"/alerts/{LOSS}").text
    assert f"/alerts/{LOSS}/approve" not in page
    assert "The verdict is yours" in page
    assert sun.post(f"/alerts/{LOSS}/approve", version=2).status_code == 403
    ada = desk.visitor("ada")
    assert f"/alerts/{LOSS}/approve" in ada.get(f"/alerts/{LOSS}").text


def test_nothing_from_outside_runs(tmp_path) -> None:
    assert len(PAYLOADS) >= 36
    alerts = build_alerts(2)
    alerts[0] = alerts[0].patch(pipeline="p<script>", places=PAYLOADS)
    with open_desk(tmp_path, alerts=alerts) as desk:
        account = desk.store.desk.account("ren")
        assert account is not None
        evil = "".join(PAYLOADS[:4])
        desk.store.desk.change_account(account.patch(title=evil))
        sun = desk.visitor("sun")
        seen = 1
        for payload in PAYLOADS:
            note: dict[str, Any] = {"note": payload, "version": seen}
            seen += sun.post(f"/alerts/{STRESS}/note", **note).status_code == 303
        assert seen > 30
        sun.post(f"/alerts/{STRESS}/assign", version=seen, to="ren")
        written = [quote(p, safe="") for p in PAYLOADS]
        paths = [
            *("/queue?stage=all", f"/alerts/{STRESS}", "/audit"),
            *(f"/queue?{key}={p}" for p in written for key in ("county", "after")),
            *(f"/audit?subject={p}&who={p}&what={p}" for p in written),
            *(f"/alerts/{p}" for p in written),
        ]
        for path in paths:
            answer = sun.get(path)
            assert answer.status_code in {200, 307, 404, 405, 422}, path
            text = answer.text
            for payload in PAYLOADS:
                if "<" in payload and payload != "<!--":
                    assert payload not in text, (path, payload)
            found = Marks()
            found.feed(text)
            assert not found.tags & {"iframe", "base", "math", "object", "style"}
            assert all(name.startswith("/static/") for name in found.scripts)
            assert not [a for a in found.attributes if a.startswith("on")]
            assert not [a for a in found.links if a.startswith("javascript:")]


class Marks(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        values = {name: value or "" for name, value in attrs}
        if tag == "script":
            self.scripts.append(values.get("src", ""))
        self.links += [values[n] for n in ("href", "src", "action") if n in values]


def test_the_reasons_are_those_of_the_words(desk: Desk) -> None:
    page = desk.visitor("rui", language="zh").get("/queue").text
    assert "已知用火点" in page
    for reason in (Reason.CLOUD, Reason.SEEN_IN_IMAGES):
        assert f'value="{reason}"' in page
    assert Act.CONFIRM in page
