"""``agroforest worker``: lend this machine to nights that run elsewhere."""

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import Insecure, TlsCa, TlsCert, TlsKey

if TYPE_CHECKING:
    from agroforest.nightly.cluster import Scheduler


def worker(
    scheduler: Annotated[str, typer.Argument(help="Such as tls://HOST:8786.")],
    *,
    work: Annotated[
        Path | None,
        typer.Option(
            "--work",
            envvar="AGROFOREST_WORK",
            help="The work folder as this machine sees it; the client's path if left "
            "out.",
            file_okay=False,
        ),
    ] = None,
    mount: Annotated[
        list[str] | None,
        typer.Option(
            metavar="THERE=HERE",
            help="Another folder that this machine has under another path.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; each works on one tile at a time.")
    ] = 1,
    threads: Annotated[
        int, typer.Option(min=1, help="Threads of one process, within a tile.")
    ] = 1,
    memory: Annotated[
        str,
        typer.Option(help="Memory of one process, such as 4GB: beyond, it is ended."),
    ] = "auto",
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; the one that faces the scheduler."),
    ] = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    insecure: Insecure = False,
) -> None:
    """Work on tiles for `agroforest nightly --scheduler ADDRESS` until stopped.

    It is a Dask worker with the settings that suit tiles. Scenes and the work
    folder must be on storage that the machines share, under any path.
    """
    from agroforest.core.errors import ConfigurationError
    from agroforest.nightly.cluster import (
        MOUNTS_VARIABLE,
        WORK_VARIABLE,
        Certificates,
        Scheduler,
        parse_mounts,
    )

    at = Scheduler(
        address=scheduler,
        certificates=Certificates(ca=tls_ca, cert=tls_cert, key=tls_key),
        insecure=insecure,
    )
    at.security("worker")  # refuses what cannot work
    environment = {**os.environ, **_settings(threads)}
    if work is not None:
        if not work.is_dir():
            raise ConfigurationError(work, "is no folder", "mount the shared storage")
        environment[WORK_VARIABLE] = str(work.absolute())
    if mount:
        parse_mounts(mount)
        environment[MOUNTS_VARIABLE] = os.pathsep.join(mount)
    command = [
        *(sys.executable, "-m", "distributed.cli.dask_worker", scheduler),
        *("--nworkers", str(workers), "--nthreads", "1"),
        *("--memory-limit", memory),
        *("--host", host or _facing(at)),
        # Without a dashboard Dask still serves its metrics, on every interface
        # unless told otherwise.
        *("--no-dashboard", "--dashboard-address", "127.0.0.1:0"),
    ]
    files = {"--tls-ca-file": tls_ca, "--tls-cert": tls_cert, "--tls-key": tls_key}
    for option, path in files.items():
        if path is not None:
            command += [option, str(path)]
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)  # noqa: S606  our own program


def _settings(threads: int) -> dict[str, str]:
    """Environment of a worker that works on one tile at a time."""
    from agroforest.nightly.cluster import WORKER_SETTINGS

    libraries = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    # As https://docs.dask.org/en/stable/configuration.html spells them.
    dask = {
        f"DASK_{key.replace('.', '__').upper()}": repr(value)
        for key, value in WORKER_SETTINGS.items()
    }
    return {**{f"{name}_NUM_THREADS": str(threads) for name in libraries}, **dask}


def _facing(scheduler: "Scheduler") -> str:
    """Address of the interface from which the scheduler is reached."""
    from distributed.utils import get_ip

    from agroforest.core.errors import ConfigurationError

    if scheduler.is_local:
        return "127.0.0.1"
    try:
        return str(get_ip(socket.gethostbyname(scheduler.host)))
    except OSError as error:
        raise ConfigurationError(
            scheduler.address,
            f"cannot be found ({error.strerror})",
            "mend the name, or give --host",
        ) from error
