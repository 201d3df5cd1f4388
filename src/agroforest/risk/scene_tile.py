"""Whole tiles judged by the networks of a task of scenes, block by block.

Of the ensemble only the networks are asked: trees with their many planes a pixel
would take ten times as long. What is held at a time is a few blocks, whatever the
size of the tile.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor, nn

from agroforest.core.errors import ModelError
from agroforest.risk import ensemble
from agroforest.risk.blocks import Seen, Window, cut_blocks, fill_strides
from agroforest.risk.card import Model
from agroforest.risk.scene_net import Prepared, SceneNet, reach, stride
from agroforest.risk.scenes import Scenes, SceneStudent
from agroforest.risk.task import Task

#: Given rows and columns, the task's features there: ``(feature, y, x)`` float32, NaN
#: where missing. Asked by several threads at once.
Read = Callable[[Window], NDArray[np.float32]]

# Pixels a side that go through a network together; larger leaves the cache.
_BLOCK = 512


class _Copies(NamedTuple):
    """Networks that see the same planes."""

    student: SceneStudent
    prepare: Callable[[NDArray[np.float32]], Tensor]
    networks: tuple[nn.Module, ...]
    temperature: float


def judge_tile(
    task: Task[Scenes],
    model: Model,
    read: Read,
    shape: tuple[int, int],
    *,
    workers: int = 1,
    exact: bool = False,
) -> Iterator[tuple[Window, NDArray[np.float32]]]:
    """Judge a tile.

    Parameters
    ----------
    task, model
        The model must be the task's, see `agroforest.risk.ensemble.load`.
    read
        Gives the pixels, block by block with their surroundings.
    shape
        Rows and columns of the tile.
    workers
        Threads, one block each.
    exact
        True computes what `SceneStudent.say` does. False computes with 16 bits, and
        prepares the pixels once for all copies: several times as fast, and it
        changes a decision of a pixel in a few thousand.

    Where the student levels its answers, a block is a scene of its own.

    Yields
    ------
    tuple
        Rows and columns of a block, and ``(y, x)`` float32 probability there, NaN
        where neither the block nor its surroundings hold data. Blocks cover the tile
        once, in order.

    Raises
    ------
    ModelError
        If the task has no network over space.
    """
    copies = _copies(task, model, exact=exact)
    side, margin = stride(copies.student.spec), reach(copies.student.spec)

    def judge(block: Seen) -> tuple[Window, NDArray[np.float32]]:
        seen = copies.student.features(read(block.around))
        return block.window, _judge(copies, seen, block, side)

    # One thread a block, which shares nothing; several blocks go on at once instead.
    with ThreadPoolExecutor(
        workers, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        waiting = []
        for block in cut_blocks(shape, _BLOCK, margin):
            waiting.append(pool.submit(judge, block))
            if len(waiting) > workers:
                yield waiting.pop(0).result()
        for last in waiting:
            yield last.result()


def _judge(
    copies: _Copies, seen: NDArray[np.float32], block: Seen, side: int
) -> NDArray[np.float32]:
    """Probability of a block from `seen`, the block and what lies around it."""
    known = np.asarray(np.isfinite(seen).any(axis=0))[block.inside]
    if not np.isfinite(seen).any():
        return np.full(known.shape, np.nan, np.float32)
    total = np.zeros(known.shape, np.float32)
    background = copies.student.background
    with torch.inference_mode():
        planes = copies.prepare(fill_strides(seen, side))
        for network in copies.networks:
            logits = network(planes)[0, 0].float().numpy()[block.inside]
            total += background.level(logits, known) if background else logits
    mean = total / np.float32(len(copies.networks) * copies.temperature)
    return np.asarray(expit(mean), np.float32)


def _copies(task: Task[Scenes], model: Model, *, exact: bool) -> _Copies:
    for number, student in enumerate(task.students):
        if not isinstance(student, SceneStudent):
            continue
        folds = range(model.card.ensemble.folds if model.card.ensemble else 1)
        networks = [
            student.load(ensemble.own_tensors(model.tensors, number, fold))
            for fold in folds
        ]
        temperature = model.card.learners[number].temperature
        if exact:
            return _Copies(student, _as_they_are, tuple(networks), temperature)
        return _Copies(student, *_together(networks), temperature)
    raise ModelError(model.folder, "holds no network over space", "name another model")


def _as_they_are(seen: NDArray[np.float32]) -> Tensor:
    tensor = torch.from_numpy(seen)[None]
    return tensor.contiguous(memory_format=torch.channels_last)


def _together(
    networks: Sequence[Prepared],
) -> tuple[Callable[[NDArray[np.float32]], Tensor], tuple[nn.Module, ...]]:
    """Let networks share one centre and scale, the mean of theirs, in 16 bits."""
    centre = torch.stack([n.centre for n in networks]).mean(dim=0)
    scale = torch.stack([n.scale for n in networks]).mean(dim=0)
    shared = Prepared(nn.Identity(), centre, scale, networks[0].sources)

    def prepare(seen: NDArray[np.float32]) -> Tensor:
        planes = shared(torch.from_numpy(seen)[None]).to(torch.bfloat16)
        return cast("Tensor", planes.contiguous(memory_format=torch.channels_last))

    return prepare, tuple(
        _under(network, centre, scale).to(torch.bfloat16) for network in networks
    )


@torch.no_grad()
def _under(prepared: Prepared, centre: Tensor, scale: Tensor) -> nn.Module:
    """Network that takes what another centre and scale give.

    The difference goes into its first layer, which is linear. What is missing or
    clipped then differs by the distance of the two centres, a few hundredths.
    """
    network = cast("SceneNet", deepcopy(prepared.network))
    first, off = network.enter, (centre - prepared.centre) / prepared.scale
    weight = first.weight[:, : off.numel(), 0, 0]
    first.bias = nn.Parameter(cast("Tensor", first.bias) + weight @ off)
    weight *= scale / prepared.scale
    return network
