"""Strengths of several checkpoints from games between pairs of them (Bradley and Terry 1952).

The model: a beats b with probability s_a / (s_a + s_b); a tie is half a win for each. The strengths
are maximum-likelihood estimates by Hunter's MM algorithm (Annals of Statistics 32, 2004, section
2), given as Elo points, 400 log10(s_a / s_baseline). They exist only where no group of checkpoints
won or lost everything against the rest; else they are infinite, and None is given.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log10

from harness.evaluate.measure.games import Game, points_of
from harness.stats.records import Interval

#: Relative change of a strength below which it has converged.
_TOLERANCE = 1e-10
_MOST_STEPS = 10_000
RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Strength:
    """A checkpoint's strength in Elo points above the baseline, with a 95 % interval.

    The interval is None where too many resamples have no finite strengths.
    """

    elo: float
    interval: Interval | None = None


def strengths(
    points: Mapping[tuple[str, str], float], names: Sequence[str], baseline: str
) -> dict[str, float] | None:
    """Return Elo points of each checkpoint above the baseline; None where there are none (above).

    Args:
        points: `points[a, b]` are a's points against b.
        names: the checkpoints, the baseline among them.
        baseline: the checkpoint with 0 points.
    """
    if not _connected(points, names):
        return None
    strength = dict.fromkeys(names, 1.0)
    total = {a: sum(points.get((a, b), 0.0) for b in names) for a in names}
    for _ in range(_MOST_STEPS):
        new = {a: total[a] / _weight(a, strength, points) for a in names}
        scale = len(names) / sum(new.values())
        new = {a: value * scale for a, value in new.items()}
        moved = max(abs(new[a] - strength[a]) / new[a] for a in names)
        strength = new
        if moved < _TOLERANCE:
            break
    return {a: 400 * log10(strength[a] / strength[baseline]) for a in names}


def with_intervals(
    games: Sequence[Game], names: Sequence[str], baseline: str, seed: int = 0
) -> dict[str, Strength] | None:
    """Return `strengths` with percentile intervals from a bootstrap over prompts.

    Prompts, not games, are drawn: what happens on one prompt belongs together.
    """
    elo = strengths(points_of(games), names, baseline)
    if elo is None:
        return None
    by_prompt: dict[str, list[Game]] = {}
    for game in games:
        by_prompt.setdefault(game.sample_id, []).append(game)
    prompts = [points_of(by_prompt[name]) for name in sorted(by_prompt)]
    rng = random.Random(seed)
    resampled = [
        draw
        for _ in range(RESAMPLES)
        if (draw := strengths(_summed(rng.choices(prompts, k=len(prompts))), names, baseline))
    ]
    return {
        name: Strength(elo[name], _interval([draw[name] for draw in resampled])) for name in names
    }


def _weight(
    a: str, strength: Mapping[str, float], points: Mapping[tuple[str, str], float]
) -> float:
    return sum(
        (points.get((a, b), 0.0) + points.get((b, a), 0.0)) / (strength[a] + strength[b])
        for b in strength
        if b != a
    )


def _connected(points: Mapping[tuple[str, str], float], names: Sequence[str]) -> bool:
    """Return True where wins lead from everyone to everyone (Ford 1957): else no maximum exists."""
    forward = {a: [b for b in names if points.get((a, b), 0.0) > 0] for a in names}
    backward = {a: [b for b in names if points.get((b, a), 0.0) > 0] for a in names}
    return all(len(_reached(names[0], edges)) == len(names) for edges in (forward, backward))


def _reached(start: str, edges: Mapping[str, Sequence[str]]) -> set[str]:
    reached, todo = {start}, [start]
    while todo:
        fresh = [name for name in edges[todo.pop()] if name not in reached]
        reached.update(fresh)
        todo.extend(fresh)
    return reached


def _summed(prompts: Iterable[Mapping[tuple[str, str], float]]) -> dict[tuple[str, str], float]:
    total: dict[tuple[str, str], float] = {}
    for points in prompts:
        for pair, value in points.items():
            total[pair] = total.get(pair, 0.0) + value
    return total


def _interval(values: Sequence[float]) -> Interval | None:
    """Return the middle 95 % of bootstrap draws; None where more than a twentieth failed."""
    if len(values) < 0.95 * RESAMPLES:
        return None
    ordered = sorted(values)
    low, high = (round(share * (len(ordered) - 1)) for share in (0.025, 0.975))
    return Interval(ordered[low], ordered[high])
