"""Which bands and dates drove an answer: each is taken away in turn.

Occlusion (Zeiler & Fergus 2014, arXiv:1311.2901, section 4.2): what is taken away
becomes "not seen", a case that every learner knows from its training, so networks
and trees are asked the same question. What two bands say together and either alone
is not credited to any of them.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.risk.card import Model
from agroforest.risk.ensemble import ask
from agroforest.risk.explanation import Explanation
from agroforest.risk.rows import Items
from agroforest.risk.scenes import Scenes
from agroforest.risk.task import Answers, Task

# Pixels to each side of the one that is explained; the largest reach of a network.
_AROUND = 64


def explain_item(
    task: Task[Items], model: Model, samples: Items, name: str
) -> Explanation:
    """Explain the answer for a series or a point.

    Parameters
    ----------
    task, model
        See `agroforest.risk.ensemble.load`.
    samples
        Among them the item.
    name
        Of the item; ``PLACE:NAME`` where several places have one of this name.

    Raises
    ------
    ConfigurationError
        If no item has this name.
    """
    place, _, own = name.rpartition(":")
    named = samples.name.astype(str) == own
    found = np.flatnonzero(named & ((samples.place == place) | (not place)))
    if not found.size:
        raise ConfigurationError(name, "is not among the data", _some(samples.name))
    one = samples.values[found[0]]
    table = one if one.ndim > 1 else one[None]
    steps, features = table.shape
    tried = np.repeat(table[None], 1 + table.size, axis=0)
    for number in range(table.size):
        tried[1 + number, number // features, number % features] = np.nan
    count = len(tried)
    answers = ask(
        task,
        model,
        replace(
            samples,
            values=tried.reshape(count, *one.shape),
            # Each of a place of its own: what is common in a place is not asked.
            place=np.arange(count).astype(str),
            name=np.arange(count),
            truth=None,
        ),
    )
    return _explanation(
        task,
        answers,
        answers.value,
        seen=np.isfinite(table).T,
        steps=tuple(str(1 + n) for n in range(steps)),
    )


def explain_pixel(
    task: Task[Scenes], model: Model, samples: Scenes, name: str, row: int, column: int
) -> Explanation:
    """Explain the answer for a pixel of a scene; what is taken away goes everywhere.

    Raises
    ------
    ConfigurationError
        If no scene has this name, or the pixel lies outside.
    """
    if name not in samples.name:
        raise ConfigurationError(
            name, "is not among the data", _some(np.array(samples.name))
        )
    scene = samples.name.index(name)
    values = samples.values[scene]
    height, width = values.shape[1:]
    if not (0 <= row < height and 0 <= column < width):
        raise ConfigurationError(
            f"pixel {row},{column}",
            f"lies outside {height} x {width}",
            "name row and column, from 0 on",
        )
    top, left = max(0, row - _AROUND), max(0, column - _AROUND)
    part = values[:, top : row + _AROUND + 1, left : column + _AROUND + 1]
    tried = [part]
    for number in range(len(part)):
        other = part.copy()
        other[number] = np.nan
        tried.append(other)
    grid = samples.grid[scene]
    grid = grid.patch(
        left=grid.left + left * grid.resolution,
        top=grid.top - top * grid.resolution,
        height=part.shape[1],
        width=part.shape[2],
    )
    count = len(tried)
    answers = ask(
        task,
        model,
        Scenes(
            values=tuple(tried),
            place=np.repeat(samples.place[scene : scene + 1], count),
            name=tuple(str(n) for n in range(count)),
            grid=(grid,) * count,
        ),
    )
    at = (row - top) * part.shape[2] + column - left
    pixel = np.arange(count) * part[0].size + at
    here = Answers(value=answers.value[pixel], spread=answers.spread[pixel])
    return _explanation(
        task,
        here,
        here.value,
        seen=np.isfinite(values[:, row, column])[:, None],
        steps=("1",),
    )


def _explanation(
    task: Task[Items] | Task[Scenes],
    answers: Answers,
    value: NDArray[np.float32],
    *,
    seen: NDArray[np.bool_],
    steps: tuple[str, ...],
) -> Explanation:
    """From the answer, and those without each number, to what each brought."""
    output = int(value[0].argmax()) if task.answer.head == "classes" else 0
    brought = value[0, output] - value[1:, output]
    change = brought.reshape(len(steps), -1).T
    return Explanation(
        output=task.answer.outputs[output],
        value=float(value[0, output]),
        spread=float(answers.spread[0]),
        features=task.observed or task.features,
        steps=steps,
        change=np.where(seen, change, np.nan).astype(np.float32),
    )


def _some(names: NDArray[np.generic]) -> str:
    return f"name one such as {', '.join(map(str, names[:3].tolist()))}"
