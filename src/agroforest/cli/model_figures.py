"""Figures of models as lines to read, and as JSON."""

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agroforest.risk import Metric
    from agroforest.risk.evaluate import Evaluation


def list_metrics(metrics: "tuple[Metric, ...]") -> list[str]:
    """Metrics, a line each."""
    lines = []
    for metric in metrics:
        interval = ""
        if metric.low is not None and metric.high is not None:
            interval = f"[{metric.low:.3f}, {metric.high:.3f}]"
        prevalence = ""
        if metric.prevalence is not None:
            prevalence = f"prevalence {metric.prevalence:.3f}, "
        lines.append(
            f"{metric.name:<40} {metric.value:9.3f} {interval:<20} "
            f"{prevalence}{metric.on}"
        )
    return lines


def list_findings(found: "Evaluation") -> list[str]:
    """Metrics, reliability and places of an evaluation."""
    lines = list_metrics(found.metrics)
    if found.beside:
        lines += ["", "others on the same answers, and how much more ours is"]
        lines += [
            f"{b.name:<54} {b.metric:<18} {b.value:.3f} [{b.low:.3f}, {b.high:.3f}]  "
            f"{b.gain:+.3f} [{b.gain_low:+.3f}, {b.gain_high:+.3f}]"
            for b in found.beside
        ]
    if found.reliability:
        lines += ["", "said      was       answers"]
        lines += [
            f"{b.said:<9.3f} {b.was:<9.3f} {b.answers:<9d} {'█' * round(30 * b.was)}"
            for b in found.reliability
        ]
    if found.places:
        first = found.metrics[0].name
        values = sorted(v for v in found.places.values() if not math.isnan(v))
        middle = values[len(values) // 2] if values else float("nan")
        spread = (
            f"lowest {values[0]:.3f}, middle {middle:.3f}, highest {values[-1]:.3f}"
        )
        lines += ["", f"{first} of {len(values)} places: {spread}"]
        lines += [f"{found.unseen} places were never trained on"]
    return lines


def as_plain(name: str, found: "Evaluation") -> str:
    """Format an evaluation as JSON."""
    return json.dumps(
        {
            "model": name,
            "metrics": [m.model_dump(mode="json") for m in found.metrics],
            "reliability": [b._asdict() for b in found.reliability],
            "places": {
                place: None if math.isnan(value) else value
                for place, value in found.places.items()
            },
            "unseen_places": found.unseen,
            "beside": [b._asdict() for b in found.beside],
        },
        ensure_ascii=False,
    )
