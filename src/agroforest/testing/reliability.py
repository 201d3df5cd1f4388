"""What tests prove about faults and hostile input, kept for one table.

A test that tries a case says so with `record`. Under ``AGROFOREST_RELIABILITY``, the
folder that ``make reliability`` names, each record is a line of a file of the test's
process; without it nothing is kept.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

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
    running = os.environ.get("PYTEST_CURRENT_TEST", "").removesuffix(" (call)")
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
