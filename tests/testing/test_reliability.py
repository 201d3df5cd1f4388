"""What tests proved becomes a page, and the page is held to it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from agroforest.testing.reliability import (
    VARIABLE,
    build_page,
    main,
    read_proofs,
    record,
)


@pytest.fixture
def proofs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "proofs"
    monkeypatch.setenv(VARIABLE, str(folder))
    record("fault", "worker killed (-9)", tried=50, survived=50, note="same | bytes")
    record("hostile", "raster bomb", tried=4, survived=4)
    return folder


def test_nobody_is_told_without_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    record("fault", "x", tried=1, survived=0)
    assert list(tmp_path.iterdir()) == []


def test_the_page_names_case_number_and_test(proofs: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    assert main([str(proofs), str(page)]) == 0
    text = page.read_text()
    assert "2 cases, tried 54 times, survived 54 times" in text
    assert r"| worker killed (-9) | 50 | 50 | same \| bytes | `" in text
    assert "::test_the_page_names_case_number_and_test`" in text
    assert text.index("## Faults") < text.index("## Hostile input")
    assert main([str(proofs), str(page), "--check"]) == 0


def test_a_lost_case_and_another_page_are_failures(
    proofs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(build_page(read_proofs(proofs)))
    record("fault", "disk full", tried=3, survived=2)
    assert main([str(proofs), str(page), "--check"]) == 1
    told = capsys.readouterr().out
    assert "disk full: 2 of 3" in told
    assert "is not what was proved" in told


@pytest.mark.parametrize("payload", ["a", "b"])
def test_parameters_of_a_test_are_one_row(proofs: Path, payload: str) -> None:
    record("hostile", "VRT", tried=1, survived=1, note=payload)
    found = [p for p in read_proofs(proofs) if p.case == "VRT"]
    again = [replace(p, test=p.test.replace(f"[{payload}]", "[c]")) for p in found]
    assert "| VRT | 2 | 2 |" in build_page([*found, *again])


def test_every_test_on_the_page_exists() -> None:
    root = Path(__file__).resolve().parents[2]
    page = (root / "docs/reliability.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) >= 40
    for path, name in set(named):
        assert f"def {name}(" in (root / path).read_text(encoding="utf-8"), name
