"""`SeriesNet` for millions of pixels: the same sums, sixteen pixels side by side.

A compiled kernel on `agroforest.indices.lanes`. What torch spreads over forty calls,
each through all of memory, happens here to sixteen pixels while they stay in the
processor's nearest cache: several times as fast on one thread, and a pixel's answer
depends on nothing but the pixel.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agroforest.core.errors import ModelError
from agroforest.indices import lanes
from agroforest.indices.lanes import (
    WIDTH,
    Rows,
    fma,
    load,
    load_at,
    maximum,
    splat,
    sqrt,
    store,
    store_at,
)
from agroforest.risk.card import ModelCard, Tensors

_F32 = NDArray[np.float32]
# Of torch's LayerNorm.
_EPSILON = 1e-5
# Outputs and dates that a pass over the inputs keeps in registers.
_OUTPUTS, _DATES = 4, 2

_compiled = njit(nogil=True, error_model="numpy")
_entry = njit(nogil=True, error_model="numpy", cache=True)


class Weights(NamedTuple):
    """Weights of a `SeriesNet` as the kernel reads them.

    ``width`` and ``output`` are filled up with zeros to multiples of four.

    Attributes
    ----------
    enter
        ``(width, feature + 1)``; the last column counts where there is a date.
    start
        ``(width,)`` of a date that is not there.
    look, look_bias
        ``(block, tap, width, width)`` and ``(block, width)``, the oldest tap first.
    mix, mix_bias
        ``(block, width, width)`` and ``(block, width)``.
    gain, offset
        ``(block + 1, width)``, of the norms; the last one is before `leave`.
    leave, leave_bias
        ``(output, width)`` and ``(output,)``.
    width
        Without what was filled up.
    """

    enter: _F32
    start: _F32
    look: _F32
    look_bias: _F32
    mix: _F32
    mix_bias: _F32
    gain: _F32
    offset: _F32
    leave: _F32
    leave_bias: _F32
    width: int


def prepare(card: ModelCard, tensors: Tensors) -> Weights:
    """Bring the weights of a model into the order of the kernel.

    Raises
    ------
    ModelError
        If names or shapes of the weights do not fit the card.
    """
    (spec,) = card.learners
    inputs, outputs = card.inputs, len(card.answer.outputs)
    features, w, b = len(inputs.features), spec.width, spec.blocks

    def take(name: str, *shape: int) -> _F32:
        found = tensors.get(name)
        if found is None or found.shape != shape:
            raise ModelError(
                card.title,
                f"weights do not fit the card ({name} is not {shape})",
                "train it again",
            )
        return np.asarray(found, np.float32)

    scale = np.asarray(inputs.scale, np.float32)
    centre = np.asarray(inputs.centre, np.float32)
    enter = take("enter.weight", w, features) / scale
    look = [take(f"blocks.{i}.look.weight", w, w, spec.kernel) for i in range(b)]
    norms = [*(f"blocks.{i}.norm" for i in range(b)), "norm"]
    full = -w % _OUTPUTS

    def rows(*parts: _F32) -> _F32:
        """Stack vectors of ``width`` and fill them up."""
        return np.pad(np.stack(parts), ((0, 0), (0, full)))

    def squares(parts: _F32) -> _F32:
        widths = [(0, 0)] * (parts.ndim - 2) + [(0, full), (0, full)]
        return np.ascontiguousarray(np.pad(parts, widths))

    return Weights(
        enter=np.pad(np.column_stack([enter, -(enter @ centre)]), ((0, full), (0, 0))),
        start=rows(take("enter.bias", w))[0],
        look=squares(np.stack(look).transpose(0, 3, 1, 2)),
        look_bias=rows(*(take(f"blocks.{i}.look.bias", w) for i in range(b))),
        mix=squares(np.stack([take(f"blocks.{i}.mix.weight", w, w) for i in range(b)])),
        mix_bias=rows(*(take(f"blocks.{i}.mix.bias", w) for i in range(b))),
        gain=rows(*(take(f"{name}.weight", w) for name in norms)),
        offset=rows(*(take(f"{name}.bias", w) for name in norms)),
        leave=np.pad(
            take("leave.weight", outputs, w), ((0, -outputs % _OUTPUTS), (0, full))
        ),
        leave_bias=np.pad(take("leave.bias", outputs), (0, -outputs % _OUTPUTS)),
        width=w,
    )


def logits(
    weights: Weights, values: _F32, mask: NDArray[np.bool_], outputs: int
) -> _F32:
    """Answer for every date of every pixel.

    Parameters
    ----------
    weights
        From `prepare`.
    values
        ``(date, feature, pixel)`` float32 as they are, not normalised; 0 where
        nothing was observed.
    mask
        ``(date, pixel)`` bool, True where something was.
    outputs
        Of the network.

    Returns
    -------
    ndarray
        ``(date, output, pixel)`` float32; meaningless outside the mask.
    """
    dates, features, pixels = values.shape
    if features + 1 != weights.enter.shape[1]:
        known = weights.enter.shape[1] - 1
        raise ValueError(f"{features} features, but weights for {known}")
    there = np.ascontiguousarray(mask, np.float32)
    if missing := max(WIDTH - pixels, 0):
        values = np.pad(values, ((0, 0), (0, 0), (0, missing)))
        there = np.pad(there, ((0, 0), (0, missing)))
    out = np.zeros((dates, outputs, pixels + missing), np.float32)
    _judge(weights, np.ascontiguousarray(values), there, out)
    return out[..., :pixels]


@_compiled
def _add_products(
    weight: _F32, rows: Rows, first: int, stride: int, sums: Rows, dates: int
) -> None:
    """Add ``weight @ rows`` to sums of some dates, a multiple of `_DATES`.

    Rows of date d begin at ``first + d * stride``, its sums at
    ``d * weight.shape[0]``.
    """
    outputs, inputs = weight.shape
    for d in range(0, dates, _DATES):
        at = first + d * stride
        for o in range(0, outputs, _OUTPUTS):
            one, two = d * outputs + o, (d + 1) * outputs + o
            a0, a1 = load(sums, one), load(sums, one + 1)
            a2, a3 = load(sums, one + 2), load(sums, one + 3)
            b0, b1 = load(sums, two), load(sums, two + 1)
            b2, b3 = load(sums, two + 2), load(sums, two + 3)
            for i in range(inputs):
                a, b = load(rows, at + i), load(rows, at + stride + i)
                w = splat(weight[o, i])
                a0, b0 = fma(w, a, a0), fma(w, b, b0)
                w = splat(weight[o + 1, i])
                a1, b1 = fma(w, a, a1), fma(w, b, b1)
                w = splat(weight[o + 2, i])
                a2, b2 = fma(w, a, a2), fma(w, b, b2)
                w = splat(weight[o + 3, i])
                a3, b3 = fma(w, a, a3), fma(w, b, b3)
            store(sums, one, a0)
            store(sums, one + 1, a1)
            store(sums, one + 2, a2)
            store(sums, one + 3, a3)
            store(sums, two, b0)
            store(sums, two + 1, b1)
            store(sums, two + 2, b2)
            store(sums, two + 3, b3)


@_compiled
def _fill(sums: Rows, bias: _F32, dates: int) -> None:
    for d in range(dates):
        for o in range(bias.size):
            store(sums, d * bias.size + o, splat(bias[o]))


@_compiled
def _normalise(
    hidden: Rows, first: int, weights: Weights, k: int, out: Rows, at: int
) -> None:
    """Layer norm of one date."""
    width = weights.width
    gain, offset = weights.gain[k], weights.offset[k]
    total = splat(0.0)
    for c in range(width):
        total = total + load(hidden, first + c)
    mean = total * splat(1.0 / width)
    square = splat(0.0)
    for c in range(width):
        off = load(hidden, first + c) - mean
        square = fma(off, off, square)
    spread = sqrt(fma(square, splat(1.0 / width), splat(_EPSILON)))
    inverse = splat(1.0) / spread
    for c in range(width):
        off = (load(hidden, first + c) - mean) * inverse
        store(out, at + c, fma(off, splat(gain[c]), splat(offset[c])))


@_compiled
def _read(
    values: _F32, there: _F32, at: int, first: int, rows: Rows, present: Rows
) -> None:
    """Features of sixteen pixels from a date on, and whether there are any."""
    dates, features, pixels = values.shape
    for d in range(first, dates):
        row = (d - first) * (features + 1)
        for f in range(features):
            store(rows, row + f, load_at(values, (d * features + f) * pixels + at))
        known = load_at(there, d * pixels + at)
        store(rows, row + features, known)
        store(present, d - first, known)


@_compiled
def _first_date(there: _F32, at: int) -> int:
    """Date before which none of sixteen pixels has anything."""
    first = 0
    while first < len(there) and not there[first, at : at + WIDTH].any():
        first += 1
    return first


@_compiled
def _look_back(
    weights: Weights, k: int, there: Rows, seen: Rows, hidden: Rows, found: Rows
) -> None:
    """One block: a norm, a causal convolution, a mixing, added to what was."""
    full, taps = weights.start.size, weights.look.shape[1]
    dates = len(there)
    pairs = dates + dates % _DATES
    before = len(seen) // full - len(hidden) // full
    for d in range(dates):
        row, present = (before + d) * full, load(there, d)
        _normalise(hidden, d * full, weights, k, seen, row)
        for c in range(full):
            store(seen, row + c, load(seen, row + c) * present)
    _fill(found, weights.look_bias[k], pairs)
    for tap in range(taps):
        oldest = (before - ((taps - 1 - tap) << k)) * full
        _add_products(weights.look[k, tap], seen, oldest, full, found, pairs)
    for d in range(pairs):
        for c in range(full):
            row = d * full + c
            store(found, row, maximum(load(found, row), splat(0.0)))
            store(hidden, row, load(hidden, row) + splat(weights.mix_bias[k, c]))
    _add_products(weights.mix[k], found, 0, full, hidden, pairs)


def _build_judge(sources: str) -> Callable[..., None]:
    @_entry
    def judge(weights: Weights, values: _F32, there: _F32, out: _F32) -> None:
        """See `logits`; at least sixteen pixels."""
        _ = sources  # see `lanes.digest`
        dates, features, pixels = values.shape
        outputs, full = out.shape[1], weights.start.size
        blocks, taps = weights.look.shape[:2]
        said = len(weights.leave)
        room = dates + dates % _DATES
        # Nothing was seen before the first date.
        before = (taps - 1) << (blocks - 1)
        inputs = np.zeros((room * (features + 1), WIDTH), np.float32)
        present = np.zeros((room, WIDTH), np.float32)
        hidden = np.zeros((room * full, WIDTH), np.float32)
        found = np.zeros((room * full, WIDTH), np.float32)
        seen = np.zeros(((before + room) * full, WIDTH), np.float32)
        answer = np.zeros((room * said, WIDTH), np.float32)
        for group in range(0, pixels, WIDTH):
            at = min(group, pixels - WIDTH)  # the last one may overlap
            first = _first_date(there, at)
            left = dates - first
            pairs = left + left % _DATES
            _read(values, there, at, first, inputs, present)
            _fill(hidden, weights.start, pairs)
            _add_products(weights.enter, inputs, 0, features + 1, hidden, pairs)
            for k in range(blocks):
                _look_back(weights, k, present[:left], seen, hidden, found)
            for d in range(left):
                _normalise(hidden, d * full, weights, blocks, found, d * full)
            _fill(answer, weights.leave_bias, pairs)
            _add_products(weights.leave, found, 0, full, answer, pairs)
            for d in range(left):
                for o in range(outputs):
                    place = ((first + d) * outputs + o) * pixels + at
                    store_at(out, place, load(answer, d * said + o))

    return judge


_judge = _build_judge(lanes.digest(lanes, sys.modules[__name__]))
