"""What happens to canopies: kinds of disturbance and their course in time.

The shapes and ranges are choices, made wide on purpose so that nothing hangs on
one of them; those of dieback follow what found real disturbance when a network
was trained on simulated series alone (chlorophyll -85 %, water -70 %, leaf area
-55 %, brown pigment +1.1, time constant 25 to 160 days).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

#: Arrays of reals; simulation does not care in which precision.
Floats = NDArray[np.floating]


class Kind(IntEnum):
    """What befalls a pixel.

    ==============  ===========================================================
    kind            course
    ==============  ===========================================================
    ``NONE``        nothing
    ``DIEBACK``     fades over weeks to months; may be salvaged, seldom recovers
    ``DEFOLIATION`` leaves are lost within weeks and come back
    ``CUT``         canopy removed within days; ground, slash, then regrowth
    ``THINNING``    the same for a small part of the pixel
    ``FIRE``        scorch and char within a day; slow recovery
    ==============  ===========================================================
    """

    NONE = 0
    DIEBACK = 1
    DEFOLIATION = 2
    CUT = 3
    THINNING = 4
    FIRE = 5


KINDS = tuple(Kind)

#: Share of the kinds among disturbed pixels, in the order of `Kind` from DIEBACK.
_SHARES = np.array([0.56, 0.10, 0.18, 0.06, 0.10])
# An effect is the affected share of the pixel times how far it went.
_SEEN, _NOTHING = 0.12, 0.02
# From this much of the pixel without canopy on, it counts as gone.
_GONE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Events:
    """One event for each of ``n`` pixels; every array is ``(n,)``.

    Attributes
    ----------
    kind
        int8, `Kind`.
    onset
        float32, epoch day; far in the future for ``NONE``.
    share
        Share of the pixel affected, 0..1.
    depth
        How far the affected part goes, 0..1.
    fade
        Time constant of the decline, days.
    recover
        Time constant of the recovery, days; infinite for none.
    lasting
        Days from onset until recovery starts.
    removed
        Epoch day of salvage or cutting; far in the future for none.
    slash
        Brown pigment of what lies on the ground after a removal.
    regrow
        Time constant of the ground vegetation's return, days.
    """

    kind: NDArray[np.int8]
    onset: Floats
    share: Floats
    depth: Floats
    fade: Floats
    recover: Floats
    lasting: Floats
    removed: Floats
    slash: Floats
    regrow: Floats

    def take(self, pixel: NDArray[np.intp]) -> "Events":
        """Events of the pixels of some observations."""
        return Events(**{k: getattr(self, k)[pixel] for k in self.__slots__})


NEVER = 1e7


def draw_events(
    rng: np.random.Generator, n: int, disturbed: float, start: int, stop: int
) -> Events:
    """Draw what befalls `n` pixels.

    Parameters
    ----------
    rng
        Source of chance.
    n
        Pixels.
    disturbed
        Share of the pixels that something befalls.
    start, stop
        Epoch days between which it begins.
    """
    kind = np.where(
        rng.random(n) < disturbed, rng.choice(5, n, p=_SHARES) + 1, 0
    ).astype(np.int8)
    # An outbreak comes in waves: half of the pixels share a season.
    wave = rng.normal(rng.uniform(start, stop), 60, n).clip(start, stop)
    onset = np.where(rng.random(n) < 0.5, wave, rng.uniform(start, stop, n))
    onset = np.where(kind == Kind.NONE, NEVER, onset)
    share = np.select(
        [kind == Kind.THINNING, kind == Kind.CUT],
        [rng.uniform(0.15, 0.45, n), rng.uniform(0.5, 1.15, n).clip(0, 1)],
        rng.uniform(0.25, 1.25, n).clip(0, 1),
    )
    depth = np.select(
        [kind == Kind.DIEBACK, kind == Kind.DEFOLIATION, kind == Kind.FIRE],
        [rng.uniform(0.6, 1.1, n), rng.uniform(0.3, 1.0, n), rng.uniform(0.3, 1.1, n)],
        1.0,
    ).clip(0, 1)
    fade = np.select(
        [kind == Kind.DIEBACK, kind == Kind.DEFOLIATION, kind == Kind.FIRE],
        [_log_uniform(rng, 25, 160, n), _log_uniform(rng, 8, 35, n), 1.0],
        _log_uniform(rng, 1, 15, n),
    )
    heals = np.select(
        [kind == Kind.DIEBACK, kind == Kind.DEFOLIATION, kind == Kind.FIRE],
        [rng.random(n) < 0.1, True, rng.random(n) < 0.8],
        False,
    )
    healing = np.where(
        kind == Kind.DEFOLIATION,
        _log_uniform(rng, 30, 250, n),
        _log_uniform(rng, 150, 700, n),
    )
    salvaged = (kind == Kind.DIEBACK) & (rng.random(n) < 0.3)
    removed = np.where(salvaged, onset + rng.uniform(60, 600, n), NEVER)
    removed = np.where(np.isin(kind, (Kind.CUT, Kind.THINNING)), onset, removed)
    return Events(
        kind=kind,
        onset=onset.astype(np.float32),
        share=share.astype(np.float32),
        depth=depth.astype(np.float32),
        fade=fade.astype(np.float32),
        recover=np.where(heals, healing, np.inf).astype(np.float32),
        lasting=(4 * fade).clip(30, 250).astype(np.float32),
        removed=removed.astype(np.float32),
        slash=rng.uniform(0, 1.2, n).astype(np.float32),
        regrow=_log_uniform(rng, 120, 900, n).astype(np.float32),
    )


def progress(event: Events, day: Floats) -> Floats:
    """How far the affected part has gone on some days, 0..1."""
    since = day - event.onset
    decline = 1 - np.exp(-np.maximum(since, 0) / event.fade)
    heal = np.exp(-np.maximum(since - event.lasting, 0) / event.recover)
    return np.where(since > 0, event.depth * decline * heal, 0).astype(np.float32)


def removal(event: Events, day: Floats) -> Floats:
    """How much of the affected part has been taken away, 0..1."""
    since = day - event.removed
    hauling = np.where(event.kind == Kind.DIEBACK, 8.0, event.fade)
    gone = 1 - np.exp(-np.maximum(since, 0) / hauling)
    return np.where(since > 0, gone, 0).astype(np.float32)


#: What a date of a pixel is: the outputs of the classes head, and "do not ask".
HEALTHY, STRESSED, GONE, UNCLEAR = 0, 1, 2, -1


def label(event: Events, day: Floats) -> NDArray[np.int8]:
    """Say what each observation ought to be called.

    Effects too small to be seen (the first days of a decline, the last of a
    recovery) are `UNCLEAR` and neither rewarded nor punished.

    Returns
    -------
    ndarray
        int8: `HEALTHY`, `STRESSED` (disturbed, canopy still standing), `GONE` or
        `UNCLEAR`.
    """
    going = progress(event, day)
    taken = removal(event, day)
    burned = (event.kind == Kind.FIRE) * going
    effect = event.share * np.maximum(going, taken)
    bare = event.share * np.maximum(taken, np.where(burned > 0.8, burned, 0))
    # Ground vegetation closes; after that "gone" is history, not a fact.
    regrown = (bare >= _GONE) & (day - event.removed > 1.2 * event.regrow + 200)
    named = np.select(
        [effect <= _NOTHING, regrown, bare >= _GONE, effect >= _SEEN],
        [HEALTHY, UNCLEAR, GONE, STRESSED],
        UNCLEAR,
    )
    return named.astype(np.int8)


def _log_uniform(
    rng: np.random.Generator, low: float, high: float, n: int
) -> NDArray[np.float64]:
    return np.exp(rng.uniform(np.log(low), np.log(high), n))
