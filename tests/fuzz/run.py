"""Fuzz some targets, guided by what each input reaches.

    python -m tests.fuzz.run [--seconds 300 | --runs 3000] [--jobs 2] [TARGET ...]

Every target runs in a process of its own from the files of ``corpus/TARGET``. A line
a target says how often it was tried; the exit status is 1 if any input broke one. That
input stands in the folder of ``--findings``: mend the reader, then move it into the
corpus, where it stays as a test.
"""

import argparse
import hashlib
import importlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORPUS = HERE / "corpus"
_DONE = re.compile(r"Done (\d+) runs in")
_TRIED = re.compile(r"^#(\d+)", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+)")
_FAULT = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception)\b.*|^==\d+==.*", re.MULTILINE)
# Rooms and modules that read what others wrote. Compiled kernels, elsewhere, cannot be
# instrumented, and the rest would only be slower for it.
_READERS = tuple(
    f"agroforest.{name}"
    for name in (
        *("catalog.", "core.", "listen.", "sensors.", "weather.", "web.sensorthings."),
        *("web.api.stac_search", "publish.cap", "publish.text", "risk.card"),
        *("products.zonal.outlines", "cube.tiff", "cube.sealed", "cube.spans"),
        *("hotspots.firms", "hotspots.columns", "hotspots.districts", "store.chunks"),
        *("store.queue", "valves.payload", "valves.settings", "farm.crops"),
        *("desk.settings",),
    )
)
# A reader that needs longer than this for some kilobytes hangs; seconds.
_LONGEST_RUN = 20
_MOST_MEMORY_MB = 2048
_LONGEST_INPUT = 16_384


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What became of a target.

    Attributes
    ----------
    target
        Its name.
    runs
        Inputs that were tried.
    covered
        Branches of the readers that they reached.
    finding
        Why it stopped early; empty if it did not.
    """

    target: str
    runs: int
    covered: int
    finding: str = ""


def load_targets() -> Mapping[str, Any]:
    """Import the readers so that the fuzzer sees their branches; by name."""
    import atheris  # noqa: PLC0415  only where it is installed

    modules = (
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        for path in (ROOT / "src").rglob("*.py")
    )
    others = [name for name in modules if not name.startswith(_READERS)]
    # It names every module that it instruments.
    with (
        redirect_stderr(StringIO()),
        atheris.instrument_imports(include=["agroforest", "tomllib"], exclude=others),
    ):
        targets = importlib.import_module("tests.fuzz.targets")
    found: Mapping[str, Any] = targets.TARGETS
    return found


def fuzz_all(
    targets: Mapping[str, Any],
    options: Sequence[str],
    *,
    jobs: int,
    findings: Path,
) -> Iterator[Result]:
    """Fuzz targets, each in a process that is forked off this one.

    Parameters
    ----------
    targets
        By name.
    options
        Of libFuzzer: how often or how long.
    jobs
        Processes at a time.
    findings
        Folder of the inputs that broke one, and of what was said then.
    """
    findings.mkdir(parents=True, exist_ok=True)
    waiting = sorted(targets)
    running: dict[int, str] = {}
    with tempfile.TemporaryDirectory(dir=_find_memory()) as scratch:
        while waiting or running:
            while waiting and len(running) < jobs:
                name = waiting.pop(0)
                place = Path(scratch) / name
                running[_fork(name, targets[name], options, findings, place)] = name
            process, status = os.wait()
            name = running.pop(process)
            shutil.rmtree(Path(scratch) / name)
            yield _judge(name, status, findings / f"{name}.log")


def _find_memory() -> str | None:
    """Find a file system in memory, if the machine has one."""
    memory = "/dev/shm"  # noqa: S108  a folder of its own is made in it
    return memory if os.access(memory, os.W_OK) else None


def _fork(
    name: str, target: Any, options: Sequence[str], findings: Path, place: Path
) -> int:
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    (place / "corpus").mkdir(parents=True)
    tempfile.tempdir = str(place)
    log = os.open(findings / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        _fuzz(name, target, place / "corpus", f"{findings}/{name}-", options)
    finally:
        os._exit(1)  # atheris ends the process itself


def _fuzz(
    name: str, target: Any, corpus: Path, prefix: str, options: Sequence[str]
) -> None:
    import atheris  # noqa: PLC0415  see above
    from tests.fuzz.mutate import mutate_json, mutate_words  # noqa: PLC0415  see above

    from agroforest.core.errors import AgroforestError  # noqa: PLC0415  instrumented

    passed = (AgroforestError, *target.documented)

    def one(data: bytes) -> None:
        try:
            target.read(data)
        except passed:
            pass
        except BaseException:
            digest = hashlib.sha256(data).hexdigest()[:12]
            Path(f"{prefix}{digest}").write_bytes(data)
            raise

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        if not target.text or Random(seed).random() < 0.3:  # noqa: S311
            return bytes(atheris.Mutate(data, most))
        # Some targets have a byte before the text.
        start = 0 if data[:1] in {b"{", b"["} else 1
        if seed % 2 and data[start : start + 1] in {b"{", b"["}:
            changed = mutate_json(data[start:], most - 1, seed)
            if changed is not None:
                return data[:start] + changed
        return mutate_words(data, most, seed)

    seeds = CORPUS / name
    folders = [str(corpus), *([str(seeds)] if seeds.is_dir() else [])]
    argv = [sys.argv[0], f"-artifact_prefix={prefix}", *options, *folders]
    atheris.Setup(argv, one, custom_mutator=mutate)
    atheris.Fuzz()


def _judge(name: str, status: int, log: Path) -> Result:
    text = log.read_text(encoding="utf-8", errors="replace")
    done = _DONE.search(text)
    tried = [int(done[1])] if done else [int(n) for n in _TRIED.findall(text)]
    finding = ""
    if status or done is None:
        fault = _FAULT.search(text)
        finding = fault[0].strip()[:200] if fault else f"ended with status {status}"
    return Result(
        target=name,
        runs=max(tried, default=0),
        covered=max(map(int, _COVERED.findall(text)), default=0),
        finding=finding,
    )


def main() -> int:
    """Fuzz what the command line names, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="all unless given")
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--runs", type=int, default=-1)
    parser.add_argument("--seed", type=int, default=0, help="0 draws one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--findings", type=Path, default=ROOT / "work" / "fuzz")
    asked = parser.parse_args()
    targets = load_targets()
    names = asked.targets or list(targets)
    options = [
        *(f"-max_total_time={asked.seconds}", f"-runs={asked.runs}"),
        *(f"-seed={asked.seed}", f"-max_len={_LONGEST_INPUT}"),
        *(f"-timeout={_LONGEST_RUN}", f"-rss_limit_mb={_MOST_MEMORY_MB}"),
    ]
    failed = 0
    wanted = {name: targets[name] for name in names}
    for result in fuzz_all(
        wanted, options, jobs=asked.jobs, findings=asked.findings.resolve()
    ):
        failed += bool(result.finding)
        print(  # noqa: T201  what was asked for
            f"{result.target:16} {result.runs:>10,} runs {result.covered:>7,} "
            f"branches  {result.finding or 'nothing found'}",
            flush=True,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
