"""Checks of files: rights, what killed processes left, checksums."""

import os
import stat
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from agroforest.core.identity import digest_file
from agroforest.health.finding import Finding, fail, warn, well

#: A scratch file this old belongs to nobody: no task takes so long. Arbitrary.
_ABANDONED_S = 6 * 3600.0
#: Files that are named one by one; the rest is counted.
_NAMED = 3


def check_work_folder(work: Path) -> Finding:
    """Whether nights can write the work folder, and other users cannot."""
    if not work.is_dir():
        return warn(
            "work-folder",
            f"{work} 尚不存在",
            f"{work} does not exist yet",
            f"mkdir -p {work}",
        )
    if not os.access(work, os.W_OK | os.X_OK):
        return fail(
            "work-folder",
            f"不能写 {work}",
            f"{work} cannot be written",
            f"sudo chown -R $USER {work}",
        )
    if work.stat().st_mode & stat.S_IWOTH:
        return warn(
            "work-folder",
            f"任何人都能写 {work}",
            f"everybody may write {work}",
            f"chmod o-w {work}",
        )
    return well("work-folder", f"{work} 可写", "can be written")


def check_secrets(paths: Iterable[Path]) -> list[Finding]:
    """Whether nobody else reads files with secrets, nor writes settings.

    Parameters
    ----------
    paths
        Files with secrets; those that do not exist are left out.
    """
    found = []
    looked = 0
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        looked += 1
        if mode & (stat.S_IRWXO | stat.S_IWGRP):
            found.append(
                fail(
                    "secrets",
                    f"其他用户能读 {path}",
                    f"other users may read {path}",
                    f"chmod 600 {path}",
                )
            )
    if not found:
        found.append(well("secrets", f"{looked} 个密钥文件", "are read by us alone"))
    return found


def check_settings(paths: Iterable[Path]) -> list[Finding]:
    """Whether nobody else writes settings: who can, decides what runs."""
    found = []
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            found.append(
                fail(
                    "settings",
                    f"不能读 {path}",
                    f"{path} cannot be read ({error.strerror})",
                    f"ls -l {path}",
                )
            )
            continue
        if mode & stat.S_IWOTH:
            found.append(
                fail(
                    "settings",
                    f"任何人都能改 {path}",
                    f"everybody may change {path}",
                    f"chmod o-w {path}",
                )
            )
    return found


def find_leftovers(work: Path, now: float | None = None) -> list[Path]:
    """Find scratch files that processes which were killed left, in the work folder."""
    before = (time.time() if now is None else now) - _ABANDONED_S
    found = []
    for path in work.rglob(".*.part*"):
        try:
            if path.is_file() and path.stat().st_mtime < before:
                found.append(path)
        except OSError:
            continue
    return sorted(found)


def check_leftovers(work: Path, now: float | None = None) -> Finding:
    """Whether killed processes left scratch files that take room."""
    found = find_leftovers(work, now)
    if not found:
        return well("leftovers", "没有残留的临时文件", "no scratch files are left")
    size = sum(path.stat().st_size for path in found)
    return warn(
        "leftovers",
        f"{len(found)} 个残留临时文件，{size / 1e6:.1f} MB",
        f"{len(found)} scratch files of killed processes, {size / 1e6:.1f} MB",
        "agroforest doctor --fix",
    )


def remove_leftovers(work: Path, now: float | None = None) -> int:
    """Remove what `find_leftovers` finds; how many."""
    found = find_leftovers(work, now)
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def check_checksums(work: Path, recorded: Mapping[str, str]) -> Finding:
    """Whether every file on record is there and as it was written.

    Parameters
    ----------
    work
        The work folder.
    recorded
        SHA-256 by path in it.
    """
    lost, damaged = [], []
    for name, sha256 in recorded.items():
        path = work / name
        try:
            if digest_file(path) != sha256:
                damaged.append(name)
        except OSError:
            lost.append(name)
    again = "agroforest nightly PIPELINE.toml --night DATE writes it again"
    if damaged:
        named = _name(damaged)
        return fail("checksums", f"已损坏：{named}", f"damaged: {named}", again)
    if lost:
        named = _name(lost)
        return warn("checksums", f"缺少：{named}", f"missing: {named}", again)
    return well("checksums", f"{len(recorded)} 个文件完好", "files are as written")


def _name(paths: list[str]) -> str:
    more = len(paths) - _NAMED
    return ", ".join(paths[:_NAMED]) + (f" +{more}" if more > 0 else "")
