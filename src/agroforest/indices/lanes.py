"""Sixteen pixels side by side: a vector of float32 for kernels that numba compiles.

LLVM turns a loop over pixels into vector instructions only while it is simple, and
then keeps every sum of a regression in memory. Here the vector is a value: a kernel
is written as if for one pixel, with `Lanes` where its floats were, and LLVM keeps
them in registers (one of AVX-512, two of AVX2, four of NEON).

Lanes live in float32 arrays of shape ``(row, 16)``. Like all compiled code here,
reading and writing them checks no bounds. Every operation is rounded as IEEE 754
says, and fused only where `fma` says so: all processors find the same numbers.
"""
# mypy: disable-error-code="no-untyped-call"
# ruff: noqa: ANN401, ARG001, ARG005
# (numba and llvmlite have no types; numba calls what follows with arguments, and
# counts parameters, that not all of it needs)

import hashlib
import inspect
import operator
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model
from numpy.typing import NDArray

#: Pixels in a vector.
WIDTH = 16
#: ``(row, 16)`` float32, C order.
Rows: TypeAlias = NDArray[np.float32]
#: A vector; a value inside compiled code only.
Lanes: TypeAlias = Any

_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
#: What an intrinsic is made of: a signature, and what writes the instructions.
_Written: TypeAlias = tuple[Any, Callable[[Any, Any, Any, Sequence[Any]], Any]]


class LanesType(types.Type):
    """numba's name for the vector."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


_LANES = LanesType()


@register_model(LanesType)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: LanesType) -> None:
        super().__init__(manager, kind, _VECTOR)


def _address(signature: Any, context: Any, builder: Any, args: Any, step: int) -> Any:
    """Pointer to sixteen elements of the first argument; the second counts `step`s."""
    kind = signature.args[0]
    count = context.cast(builder, args[1], signature.args[1], types.intp)
    first = builder.mul(count, ir.Constant(count.type, step))
    start = context.make_array(kind)(context, builder, args[0]).data
    vector = ir.VectorType(context.get_value_type(kind.dtype), WIDTH)
    return builder.bitcast(builder.gep(start, [first]), vector.as_pointer())


def _loader(step: int) -> Any:
    def write(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        kind = signature.args[0].dtype
        place = _address(signature, context, builder, args, step)
        value = builder.load(place, align=kind.bitwidth // 8)
        return value if kind == types.float32 else builder.sitofp(value, _VECTOR)

    return intrinsic(lambda typingctx, array, at: (_LANES(array, at), write))


def _storer(step: int) -> Any:
    def write(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        place = _address(signature, context, builder, args, step)
        builder.store(args[2], place, align=4)
        return context.get_dummy_value()

    return intrinsic(
        lambda typingctx, array, at, value: (types.void(array, at, value), write)
    )


#: ``load(rows, row)``, and ``store(rows, row, value)`` to write it.
load, store = _loader(WIDTH), _storer(WIDTH)
#: The same in a C-ordered array of any shape, `at` an element counted from its
#: beginning; `load_at` also turns int16 and int32 into float32.
load_at, store_at = _loader(1), _storer(1)


def _sixteen(arity: int, build: Callable[..., Any]) -> Any:
    """Compiled function of vectors, from what writes its instructions."""
    signature = _LANES(*[_LANES] * arity)

    def write(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        return build(builder, *args)

    match arity:
        case 1:
            return intrinsic(lambda typingctx, a: (signature, write))
        case 2:
            return intrinsic(lambda typingctx, a, b: (signature, write))
        case 3:
            return intrinsic(lambda typingctx, a, b, c: (signature, write))
        case _:
            return intrinsic(lambda typingctx, a, b, c, d: (signature, write))


def _called(name: str) -> Callable[..., Any]:
    """Call of one of LLVM's own functions."""

    def build(builder: Any, *args: Any) -> Any:
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(args))
        known = f"llvm.{name}.v{WIDTH}f32"
        function = cgutils.get_or_insert_function(builder.module, kind, known)
        return builder.call(function, args)

    return build


def _choose(builder: Any, a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", a, b), then, otherwise)


#: ``fma(a, b, c)`` is a * b + c, rounded once.
fma = _sixteen(3, _called("fma"))
sqrt = _sixteen(1, _called("sqrt"))
absolute = _sixteen(1, _called("fabs"))
#: The smaller or larger of two; where one is NaN, the second.
minimum = _sixteen(2, lambda builder, a, b: _choose(builder, a, b, a, b))
maximum = _sixteen(2, lambda builder, a, b: _choose(builder, b, a, a, b))
#: ``where_less(a, b, c, d)`` is c where a < b, else, and where one is NaN, d.
where_less = _sixteen(4, _choose)


def _operator(symbol: Any, method: str) -> None:
    operation = _sixteen(2, lambda builder, a, b: getattr(builder, method)(a, b))

    def apply(a: Any, b: Any) -> Any:
        return operation(a, b)

    def find(a: Any, b: Any) -> Any:
        return apply if a == b == _LANES else None

    overload(symbol)(find)


_operator(operator.add, "fadd")
_operator(operator.sub, "fsub")
_operator(operator.mul, "fmul")
_operator(operator.truediv, "fdiv")


def _splat(typingctx: Any, number: Any) -> _Written:
    """Sixteen times the same number, rounded to float32."""

    def write(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        number = context.cast(builder, args[0], signature.args[0], types.float32)
        nothing, i32 = ir.Constant(_VECTOR, ir.Undefined), ir.IntType(32)
        one = builder.insert_element(nothing, number, ir.Constant(i32, 0))
        first = ir.Constant(ir.VectorType(i32, WIDTH), [0] * WIDTH)
        return builder.shuffle_vector(one, nothing, first)

    return _LANES(number), write


def _any_less(typingctx: Any, a: Any, b: Any) -> _Written:
    """Tell whether a < b in at least one lane."""

    def write(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        bits = ir.IntType(WIDTH)
        less = builder.bitcast(builder.fcmp_ordered("<", *args), bits)
        return builder.icmp_unsigned("!=", less, ir.Constant(bits, 0))

    return types.boolean(a, b), write


def _lowest(typingctx: Any, a: Any) -> _Written:
    """Smallest of the sixteen numbers, none of them NaN."""

    def write(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        kind = ir.FunctionType(ir.FloatType(), [_VECTOR])
        known = f"llvm.vector.reduce.fmin.v{WIDTH}f32"
        function = cgutils.get_or_insert_function(builder.module, kind, known)
        return builder.call(function, args)

    return types.float32(a), write


#: ``splat(number)``, ``any_less(a, b)`` and ``lowest(a)``.
splat: Any = intrinsic(_splat)
any_less: Any = intrinsic(_any_less)
lowest: Any = intrinsic(_lowest)


def exchanges(size: int) -> Iterator[tuple[int, int]]:
    """Yield pairs to put in order, one after the other, to sort so many numbers.

    Batcher (1968), "Sorting networks and their applications": merge exchange.
    """
    run = 1
    while run < size:
        step = run
        while step:
            for start in range(step % run, size - step, 2 * step):
                for low in range(start, min(start + step, size - step)):
                    if low // (2 * run) == (low + step) // (2 * run):
                        yield low, low + step
            step //= 2
        run *= 2


def _sorter(size: int) -> Any:
    def write(context: Any, builder: Any, signature: Any, args: Sequence[Any]) -> Any:
        first = _address(signature, context, builder, args, WIDTH)
        places = [builder.gep(first, [ir.IntType(32)(n)]) for n in range(size)]
        held = [builder.load(place, align=4) for place in places]
        for low, high in exchanges(size):
            a, b = held[low], held[high]
            held[low] = _choose(builder, a, b, a, b)
            held[high] = _choose(builder, a, b, b, a)
        for value, place in zip(held, places, strict=True):
            builder.store(value, place, align=4)
        return context.get_dummy_value()

    return intrinsic(lambda typingctx, rows, first: (types.void(rows, first), write))


#: ``sort8(rows, first)`` sorts eight rows, each lane for itself; no NaN.
sort8, sort16, sort24, sort32 = (_sorter(size) for size in (8, 16, 24, 32))


def digest(*modules: ModuleType) -> str:
    """Digest of the source of modules, for the closure of a function that uses them.

    numba's cache on disk notices a change of a function's own file and of the values
    in its closure, but not of the files of what it calls.
    """
    source = "".join(inspect.getsource(module) for module in modules)
    return hashlib.sha256(source.encode()).hexdigest()
