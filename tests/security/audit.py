"""Ask which installed packages have known vulnerabilities, and say if nobody knew.

    python tests/security/audit.py work/security/bin/pip-audit .venv/bin/python

pip-audit says "no known vulnerabilities" of packages that it could learn nothing of,
and ends well. Here that is a failure: exit status 3, where its data cannot be reached.
Status 1: a package has a known vulnerability.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

#: Ours, and packages that are built for one processor, are in no list.
_MOST_UNKNOWN = 0.1


def judge(report: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Exit status and lines of a report of pip-audit.

    Parameters
    ----------
    report
        As ``--format json`` writes it.
    """
    packages = report["dependencies"]
    unknown = [p["name"] for p in packages if "skip_reason" in p]
    faults = [
        f"{p['name']} {p['version']}: {v['id']}, mended in "
        f"{', '.join(v['fix_versions']) or 'no release'}"
        for p in packages
        for v in p.get("vulns", ())
    ]
    known = len(packages) - len(unknown)
    lines = [
        *faults,
        f"{known} packages looked up, {len(faults)} known vulnerabilities",
    ]
    if unknown:
        lines.append(f"not looked up: {', '.join(unknown[:10])}")
    if faults:
        return 1, lines
    if len(unknown) > _MOST_UNKNOWN * len(packages):
        lines.append(
            f"nothing is known of {len(unknown)} of {len(packages)} packages: the "
            "vulnerability data cannot be reached; run it again with a connection"
        )
        return 3, lines
    return 0, lines


def main() -> int:
    """Run pip-audit on an environment, and say what it found."""
    program, python = sys.argv[1:3]
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    where = subprocess.run(  # noqa: S603  the Makefile's words
        [python, "-c", find], capture_output=True, text=True, check=True
    ).stdout.strip()
    said = subprocess.run(  # noqa: S603  the Makefile's words
        [program, "--path", where, "--format", "json", "--progress-spinner", "off"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(said.stdout)
    except ValueError:
        last = said.stderr.strip().splitlines()[-1:]
        print(f"pip-audit did not answer: {' '.join(last)}")  # noqa: T201
        return 3
    status, lines = judge(report)
    print("\n".join(lines))  # noqa: T201  what was asked for
    return status


if __name__ == "__main__":
    sys.exit(main())
