"""Settings of the labelled models that were tried and can be tried again.

Not all of what ADR 10 lists: what lost by far, and what the program can no longer do,
is left out. Grids are those that were searched, where that is known, or near them.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.identity import digest
from agroforest.risk.background import Background
from agroforest.risk.baseline import learn_apart
from agroforest.risk.card import Model, Tensors
from agroforest.risk.datasets.fire_occurrence import FEATURES
from agroforest.risk.datasets.fuel_moisture_rows import DEPARTING, name_rows
from agroforest.risk.datasets.plain_damage import PlainDamage
from agroforest.risk.ensemble import out_of_fold
from agroforest.risk.rows import Items
from agroforest.risk.scenes import Scenes, SceneStudent
from agroforest.risk.selection import Candidate
from agroforest.risk.task import Student, Task
from agroforest.risk.tasks.burned_area import find_one_fire
from agroforest.risk.train import Progress, Recipe

Floats = NDArray[np.float32]
#: A student, and what its copies say of places they have not seen.
Heard = tuple[Student[Any], Floats]

#: Candidate that is what ships.
SHIPPED = "as shipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """A model with all that is needed to try it with other settings.

    Attributes
    ----------
    task, model, samples
        The model is the task's, the samples those that it was trained on.
    part
        ``(item,)``, the copy that has not seen it.
    kept
        Folder for what new copies said; they need not learn twice.
    """

    task: Task[Any]
    model: Model
    samples: Any
    part: NDArray[np.int64]
    kept: Path

    def hear(self, number: int) -> Heard:
        """Ask the copies of a student that ship."""
        tensors = self.model.tensors
        said = out_of_fold(self.task, number, tensors, self.samples, self.part)
        return self.task.students[number], said

    def teach(self, number: int, student: Student[Any], name: str) -> Heard:
        """Let copies of a changed student learn, with the seeds of that which ships."""
        data = self.model.card.training.data_sha256
        key = digest([self.task.name, name, student.describe(), data])
        path = self.kept / f"{self.task.name}-{key}.npy"
        if not path.exists():
            said = learn_apart(
                student,
                self.samples,
                self.part,
                name=f"{self.task.name}: {name}",
                seed=number * self.task.folds,
                progress=_tell,
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, said)
        return student, np.load(path)

    def mix(
        self, name: str, heard: Sequence[Heard], shares: Sequence[float]
    ) -> Candidate[Any]:
        """Make a candidate of students that have spoken; those without share go."""
        there = [(h, s) for h, s in zip(heard, shares, strict=True) if s > 0]
        total = sum(shares)
        students = [_with_share(h[0], s / total) for h, s in there]
        return Candidate(
            name=name,
            task=replace(self.task, students=students),
            said=[h[1] for h, _ in there],
        )


def _tell(_: float, note: str) -> None:
    print(note, file=sys.stderr)


def _with_share(student: Any, share: float) -> Any:  # noqa: ANN401  students of students
    inner = getattr(student, "student", None)
    if inner is not None:
        return replace(student, student=_with_share(inner, share))
    spec = student.spec.model_copy(update={"share": share})
    return replace(student, spec=spec)


# ------------------------------------------------------------ canopy-damage
_NETWORK_SHARES = (0.3, 0.5, 0.6, 0.7, 0.8, 1.0)


def _canopy_damage(bench: Bench) -> Iterator[Candidate[Any]]:
    """How the network learns, and its share."""
    network, trees = bench.hear(0), bench.hear(1)
    learned = {
        SHIPPED: network,
        **{
            name: bench.teach(0, student, name)
            for name, student in _networks_of_damage(network[0]).items()
        },
    }
    for (name, heard), share in product(learned.items(), _NETWORK_SHARES):
        shares = (share, 1 - share)
        yield bench.mix(_named(name, share, 0.6, "share"), (heard, trees), shares)


def _networks_of_damage(shipped: Any) -> Mapping[str, Student[Any]]:  # noqa: ANN401
    small = replace(shipped.crops, side=48, made_up=None)
    short = Recipe(epochs=32, batch=24, rate=4e-3, decay=1e-2, average=0.99)
    first = replace(shipped, recipe=short, crops=small, overlap=0.0)
    longer = replace(first, recipe=replace(short, epochs=64))
    plain = replace(small, made_up=PlainDamage(share=0.1))
    return {
        "32 epochs": first,
        "64 epochs": longer,
        "64 epochs, plain damage": replace(longer, crops=plain, overlap=0.3),
    }


# -------------------------------------------------------- disturbance-cause
_SERIES_SHARES = (0.0, 0.25, 0.4, 0.5, 0.6, 0.75, 1.0)
_POWERS = (0.0, 0.5, 0.6, 0.7, 0.85, 1.0)


def _disturbance_cause(bench: Bench) -> Iterator[Candidate[Any]]:
    """Share of the network, and how far the shares of causes of a place are trusted."""
    heard = bench.hear(0), bench.hear(1)
    for share, power in product(_SERIES_SHARES, _POWERS):
        name = f"share {share:g}, power {power:g}"
        shipped = (share, power) == (0.6, bench.task.prior_power)
        shares = (share, 1 - share)
        one = bench.mix(SHIPPED if shipped else name, heard, shares)
        changed = (
            replace(one.task, prior_power=power)
            if power
            else replace(one.task, prior_weight=None)
        )
        yield replace(one, task=changed)


# ------------------------------------------------------------ fuel-moisture
_BOOSTED_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def _fuel_moisture(bench: Bench) -> Iterator[Candidate[Any]]:
    """Columns told as departures, how the boosted trees grow, and their share."""
    names = name_rows()
    canopy = names[names.index("NDVI") :]
    # Elevation and slope are the same all over a site: no departures.
    telling = tuple(n for n in names if n not in {"elevation", "slope"})
    views = {
        SHIPPED: DEPARTING,
        "no departures": (),
        "departures of the canopy": canopy,
        "departures of both": (*DEPARTING, *canopy),
        "all departures": telling,
    }
    for view, columns in views.items():
        boosted, bagged = (
            _departing(student, columns) for student in bench.task.students
        )
        forest = _hear_or_teach(bench, 1, bagged, view)
        for growth, student in _growths(boosted).items():
            name = SHIPPED if {view, growth} == {SHIPPED} else f"{view}; {growth}"
            heard = _hear_or_teach(bench, 0, student, name), forest
            for share in _BOOSTED_SHARES:
                named = _named(name, share, 0.4, "boosted")
                yield bench.mix(named, heard, (share, 1 - share))


def _hear_or_teach(bench: Bench, number: int, student: Any, name: str) -> Heard:  # noqa: ANN401
    if name == SHIPPED:
        return bench.hear(number)
    return bench.teach(number, student, name)


def _departing(student: Any, columns: Sequence[str]) -> Any:  # noqa: ANN401
    placed = replace(student.student, departing=tuple(columns))
    return replace(student, student=placed)


def _growths(student: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """Boosted trees of fuel moisture, grown otherwise."""
    trees = student.student.student

    def grown(settings: Mapping[str, Any], **spec: int) -> Any:  # noqa: ANN401
        other = replace(
            trees,
            spec=trees.spec.model_copy(update=spec),
            settings={**trees.settings, **settings},
        )
        return replace(student, student=replace(student.student, student=other))

    return {
        SHIPPED: student,
        "Huber's loss": grown({"objective": "huber"}),
        "extremely random splits": grown({"extra_trees": True}),
        "all columns at every split": grown({"feature_fraction": 1.0}),
        "fewer columns": grown({"feature_fraction": 0.2}),
        "8 leaves, 300 rounds": grown({}, width=8, blocks=300),
        "rate .02, 400 rounds": grown({"learning_rate": 0.02}, blocks=400),
    }


# -------------------------------------------------------------- burned-area
_QUANTILES = (None, 0.65, 0.7, 0.75)
_FIRE_SHARES = (0.3, 0.4, 0.5)
_REACHES = (0.15, 0.2, 0.3)
_LEAST = (0.05, 0.1, 0.2, 0.5)


def _burned_area(bench: Bench) -> Iterator[Candidate[Any]]:
    """Level of the background, share of the network, and the filter of patches."""
    network, trees = bench.task.students[0], bench.hear(1)
    if not isinstance(network, SceneStudent):
        raise TypeError("burned-area begins with another student")
    level = replace(network, background=None)
    open_task = replace(bench.task, students=[level, trees[0]])
    raw = out_of_fold(open_task, 0, bench.model.tensors, bench.samples, bench.part)
    shipped = (0.7, 0.4, 0.2, 0.2)
    finishes: dict[tuple[float, float] | None, Any] = {None: None}
    for reach, least in product(_REACHES, _LEAST):
        finishes[reach, least] = partial(find_one_fire, reach=reach, least=least)
    for quantile in _QUANTILES:
        levelled = _level(raw, bench.samples, network, quantile)
        heard = (network, levelled), trees
        for share, (settings, finish) in product(_FIRE_SHARES, finishes.items()):
            own = (quantile, share, *(settings or ()))
            name = SHIPPED if own == shipped else _tell_fire(quantile, share, settings)
            one = bench.mix(name, heard, (share, 1 - share))
            yield replace(one, task=replace(one.task, finish=finish))


def _tell_fire(
    quantile: float | None, share: float, settings: tuple[float, float] | None
) -> str:
    level = f"quantile {quantile:g}" if quantile else "no level"
    patches = f"reach {settings[0]:g}, least {settings[1]:g}" if settings else "open"
    return f"{level}, share {share:g}, {patches}"


def _level(
    raw: Floats, samples: Scenes, network: SceneStudent, quantile: float | None
) -> Floats:
    """Level the logits of every scene; the usual level is that of the median scene."""
    if quantile is None:
        return raw
    shipped = network.background
    scenes = samples.split(raw[:, 0])
    known = [
        np.asarray(np.isfinite(network.features(v)).any(axis=0)) for v in samples.values
    ]
    if shipped is not None and quantile == shipped.quantile:
        background = shipped
    else:
        usual = [
            float(np.quantile(scene[there & np.isfinite(scene)], quantile))
            for scene, there in zip(scenes, known, strict=True)
        ]
        background = Background(
            quantile=quantile, usual=round(float(np.median(usual)), 2), furthest=3.0
        )
    levelled = [
        background.level(scene, there).ravel()
        for scene, there in zip(scenes, known, strict=True)
    ]
    return np.concatenate(levelled)[:, None]


# ---------------------------------------------------------- fire-occurrence
_GROUND_REACHES = (3.0, 5.0, 8.0)
_GROUND_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)
#: Shares of the committee, the boosted and the bagged trees without the surface.
_MIXES = {
    SHIPPED: (0.4, 0.3, 0.3),
    "committee": (1, 0, 0),
    "boosted": (0, 1, 0),
    "bagged": (0, 0, 1),
    "trees": (0, 0.5, 0.5),
}
_WEATHER = (
    *("PDSI", "VPD", "precipitation", "soilMoisture", "temp", "temperatureMax"),
    *("temperatureMean", "temperatureMin", "VVsentinel1Cdry", "HHpalsarLdiffWetDry"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _BesideYear:
    """A student that sees some columns as departures from the mean of their year."""

    student: Student[Items]
    columns: tuple[str, ...]

    @property
    def spec(self) -> Any:  # noqa: ANN401  of the student
        return self.student.spec

    def describe(self) -> str:
        return f"{self.student.describe()}, beside the year: {len(self.columns)}"

    def fit(self, samples: Items, *, seed: int, progress: Progress) -> Tensors:
        return self.student.fit(self._change(samples), seed=seed, progress=progress)

    def say(self, tensors: Tensors, samples: Items) -> Floats:
        return self.student.say(tensors, self._change(samples))

    def _change(self, samples: Items) -> Items:
        values = samples.values.copy()
        columns = [FEATURES.index(name) for name in self.columns]
        for year in np.unique(samples.place):
            rows = np.ix_(samples.place == year, columns)
            values[rows] -= np.nanmean(values[rows], axis=0)
        return replace(samples, values=values)


def _fire_occurrence(bench: Bench) -> Iterator[Candidate[Any]]:
    """Columns beside the year's mean, shares, and the surface of what burned nearby."""
    shipped = [bench.hear(number) for number in range(3)]
    trees = {
        name: [
            bench.teach(n, _BesideYear(student=shipped[n][0], columns=columns), name)
            for n in (1, 2)
        ]
        for name, columns in {
            "weather beside the year": _WEATHER,
            "all beside the year": FEATURES,
        }.items()
    }
    views = {
        SHIPPED: shipped,
        **{name: [shipped[0], *two] for name, two in trees.items()},
    }
    grounds: dict[str, tuple[Heard, float]] = {"no surface": (shipped[0], 0.0)}
    surface: Any = bench.task.students[3]
    for reach, share in product(_GROUND_REACHES, _GROUND_SHARES):
        name = f"{reach:g} km, share {share:g}"
        heard = bench.teach(3, replace(surface, reach=reach), f"{reach:g} km")
        grounds[SHIPPED if (reach, share) == (5.0, 0.3) else name] = heard, share
    every = product(views.items(), _MIXES.items(), grounds.items())
    for (view, heard), (mixed, shares), (ground, (nearby, share)) in every:
        told = [n for n in (view, mixed, ground) if n != SHIPPED]
        yield bench.mix(
            "; ".join(told) or SHIPPED,
            [*heard, nearby],
            [*(s * (1 - share) for s in shares), share],
        )


def _named(name: str, share: float, usual: float, what: str) -> str:
    if share == usual:
        return name
    return f"{name}; {what} {share:g}".removeprefix(f"{SHIPPED}; ")


#: What was tried, by model; the candidate `SHIPPED` is among them.
TRIED: Mapping[str, Callable[[Bench], Iterator[Candidate[Any]]]] = {
    "canopy-damage": _canopy_damage,
    "disturbance-cause": _disturbance_cause,
    "fuel-moisture": _fuel_moisture,
    "burned-area": _burned_area,
    "fire-occurrence": _fire_occurrence,
}
