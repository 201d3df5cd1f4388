"""docs/security.md names tests that exist, and every test of this folder."""

import ast
import re
from pathlib import Path

from tests.security.audit import judge

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = (_ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")
#: Controls of the others; not attacks.
_ASIDE = {"test_districts_are_read_at_all"}


def _find_tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_test_that_is_named_is_there() -> None:
    named = _NAMED.findall(_PAGE)
    assert len(named) > 40
    for file, test in named:
        path = _ROOT / file
        assert path.is_file(), file
        assert not test or test in _find_tests(path), f"{file}::{test}"


def test_every_promise_has_a_test() -> None:
    rows = [line for line in _PAGE.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| Promised")]
    assert len(promises) > 20
    for row in promises:
        assert _NAMED.search(row), row


def test_every_attack_is_named() -> None:
    named = {test for _, test in _NAMED.findall(_PAGE)}
    here = Path(__file__)
    for path in here.parent.glob("test_*.py"):
        if path != here:
            assert _find_tests(path) <= named | _ASIDE, path.name


def test_an_audit_that_asked_nobody_is_no_good_news() -> None:
    one = {"name": "a", "version": "1", "vulns": []}
    bad = {"id": "CVE-1", "fix_versions": ["2"]}
    silent = {"name": "b", "skip_reason": "not found"}
    assert judge({"dependencies": [one] * 20 + [silent]})[0] == 0
    status, lines = judge({"dependencies": [one, silent, silent]})
    assert status == 3
    assert "cannot be reached" in lines[-1]
    status, lines = judge({"dependencies": [{**one, "vulns": [bad]}]})
    assert (status, lines[0]) == (1, "a 1: CVE-1, mended in 2")
