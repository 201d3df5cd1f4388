"""What tests prove about faults and hostile input, kept for one table.

A test that tries a case says so with `record`. Under ``AGROFOREST_RELIABILITY``, the
folder that ``make reliability`` names, each record is a line of a file of the test's
process; without it nothing is kept.

::

    python -m agroforest.testing.reliability PROOFS docs/reliability.md [--check]
"""

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from agroforest.core.files import write_text

VARIABLE = "AGROFOREST_RELIABILITY"

Kind = Literal["fault", "hostile", "fuzz", "soak"]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Proof:
    """One case that was tried.

    Attributes
    ----------
    kind
        Which table it belongs to.
    case
        What was done to the system, in a few words.
    test
        Node id of the test that did it.
    tried, survived
        How often, and how often the outcome was the right one.
    note
        What the right outcome was, or what a reader must know.
    """

    kind: Kind
    case: str
    test: str
    tried: int
    survived: int
    note: str = ""

    @property
    def lost(self) -> bool:
        """Whether one outcome or more was wrong."""
        return self.survived < self.tried


def record(kind: Kind, case: str, *, tried: int, survived: int, note: str = "") -> None:
    """Keep what the running test proved; call it before the last assertion.

    Parameters
    ----------
    kind, case, tried, survived, note
        See `Proof`.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    running, _, _phase = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")
    proof = Proof(
        kind=kind,
        case=case,
        test=running,
        tried=tried,
        survived=survived,
        note=note,
    )
    path = Path(folder) / f"{os.getpid()}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(proof), ensure_ascii=False) + "\n")


def read_proofs(folder: Path) -> Iterator[Proof]:
    """Read what the tests of one run proved."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Proof(**json.loads(line))


def build_page(proofs: Iterable[Proof]) -> str:
    """Build the page of everything that was tried, in Markdown.

    What a test proved with several parameters is one row.
    """
    proofs = _join(proofs)
    tried, survived = sum(p.tried for p in proofs), sum(p.survived for p in proofs)
    parts = [_HEAD.format(cases=len(proofs), tried=tried, survived=survived)]
    for kind, group in groupby(proofs, key=lambda proof: proof.kind):
        parts.append(f"\n## {_TITLES[kind]}\n\n{_COLUMNS}")
        parts += [_row(proof) for proof in group]
    return "\n".join(parts) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or compare it with what was proved just now.

    Returns
    -------
    int
        Exit code: 1 if something did not survive, or the page says otherwise.
    """
    parser = ArgumentParser(description="The table of what tests proved.")
    parser.add_argument("proofs", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args(arguments)
    proofs = list(read_proofs(options.proofs))
    lost = [f"{p.case}: {p.survived} of {p.tried}" for p in proofs if p.lost]
    page = build_page(proofs)
    if options.check:
        lost += _compare(page, options.page)
    else:
        write_text(options.page, page)
    sys.stdout.write("\n".join([*lost, f"{len(proofs)} cases"]) + "\n")
    return 1 if lost else 0


def _compare(page: str, kept: Path) -> list[str]:
    """Say what was proved that a page does not say.

    A page may say more: some cases need what not every machine grants (mounts).
    """
    said = kept.read_text(encoding="utf-8") if kept.exists() else ""
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    new = [line for line in rows if line not in said.splitlines()]
    return [*new, f"{kept} is not what was proved: make reliability"] if new else []


def _join(proofs: Iterable[Proof]) -> list[Proof]:
    def name(proof: Proof) -> tuple[str, ...]:
        return proof.kind, proof.case, proof.test.partition("[")[0]

    joined = []
    for (_, case, test), some in groupby(sorted(set(proofs), key=name), key=name):
        group = sorted(some)
        joined.append(
            Proof(
                kind=group[0].kind,
                case=case,
                test=test,
                tried=sum(p.tried for p in group),
                survived=sum(p.survived for p in group),
                note="; ".join(dict.fromkeys(p.note for p in group if p.note)),
            )
        )
    return joined


def _row(proof: Proof) -> str:
    return (
        f"| {_cell(proof.case)} | {proof.tried} | {proof.survived} "
        f"| {_cell(proof.note)} | `{proof.test}` |"
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


_TITLES = {
    "fault": "Faults",
    "fuzz": "Fuzzing",
    "hostile": "Hostile input",
    "soak": "Long run",
}
_COLUMNS = "| case | tried | survived | what came of it | test |\n|---|---|---|---|---|"
_HEAD = """# Reliability

What was done to the system, how often, and how often the outcome was the right one:
the outputs, alerts and messages of an undisturbed run, or a refusal in one line. The
tests that did it wrote this page: `make reliability`. `make test` does it all again
and fails if the page says otherwise.

{cases} cases, tried {tried} times, survived {survived} times."""


if __name__ == "__main__":
    sys.exit(main())
