"""Where tasks run: Dask on this machine, or any Dask scheduler."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from distributed import Client, LocalCluster, as_completed

from agroforest.core.errors import ConfigurationError
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.tile import failed, run_task

_CONNECT_SECONDS = 15


class Compute:
    """A Dask client that is started by the first task; a context manager.

    Parameters
    ----------
    scheduler
        Address such as ``tcp://host:8786`` or ``tls://host:8786``; ``None``
        starts worker processes here, one a processor and no more than tiles. A
        single tile is worked on in this process.
    tiles
        Tiles of the pipeline.
    """

    def __init__(self, scheduler: str | None, *, tiles: int) -> None:
        self._scheduler = scheduler
        self._tiles = tiles
        self._stack = ExitStack()
        self._client: Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(
        self, tasks: Sequence[TileTask], model: Path | None
    ) -> Iterator[TaskResult]:
        """Run tasks and yield their results as they come.

        A worker that dies takes no other task with it: its task is a failed
        result.

        Raises
        ------
        ConfigurationError
            The scheduler does not answer.
        """
        if self._client is None:
            self._client = self._open()
        by_key = {f"{t.kind}-{t.id}": t for t in tasks}
        futures = [
            self._client.submit(run_task, task, model, key=key, pure=False)
            for key, task in by_key.items()
        ]
        for future in as_completed(futures):
            task = by_key[future.key]
            try:
                yield future.result()
            except Exception as error:  # noqa: BLE001  a lost worker, in any form
                reason = f"worker lost ({type(error).__name__})"
                yield failed(task, f"{task.tile.id}: {reason}; run the night again")
            future.release()

    def _open(self) -> Client:
        if self._scheduler is not None:
            try:
                client = Client(self._scheduler, timeout=_CONNECT_SECONDS)
            except (OSError, ValueError, TimeoutError) as error:
                raise ConfigurationError(
                    self._scheduler,
                    f"no Dask scheduler answers ({type(error).__name__})",
                    "start it, or leave --scheduler out",
                ) from error
            self._stack.enter_context(client)
            return client
        workers = max(1, min(self._tiles, os.cpu_count() or 1))
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=workers > 1,
            host="127.0.0.1" if workers > 1 else None,  # one process needs no port
            # Dask serves its metrics even without a dashboard, and on every
            # interface unless told otherwise.
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
        )
        self._stack.enter_context(cluster)
        client = Client(cluster)
        self._stack.enter_context(client)
        return client
