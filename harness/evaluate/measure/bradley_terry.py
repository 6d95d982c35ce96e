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

from harness.evaluate.measure.games import Game, won
from harness.stats.records import Interval

#: Relative change of a strength below which it stands.
_STILL = 1e-10
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
    """Elo points of each checkpoint above the baseline, or None where there are none (see above).

    Args:
        points: `points[a, b]` is what a won of b.
        names: the checkpoints, the baseline among them.
        baseline: has 0.
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
        if moved < _STILL:
            break
    return {a: 400 * log10(strength[a] / strength[baseline]) for a in names}


def with_intervals(
    games: Sequence[Game], names: Sequence[str], baseline: str, seed: int = 0
) -> dict[str, Strength] | None:
    """As `strengths`, with percentile intervals from a bootstrap over prompts.

    Prompts, not games, are drawn: what happens on one prompt belongs together.
    """
    found = strengths(won(games).points, names, baseline)
    if found is None:
        return None
    by_prompt: dict[str, list[Game]] = {}
    for game in games:
        by_prompt.setdefault(game.sample_id, []).append(game)
    prompts = [won(by_prompt[name]).points for name in sorted(by_prompt)]
    rng = random.Random(seed)
    drawn = [
        again
        for _ in range(RESAMPLES)
        if (again := strengths(_summed(rng.choices(prompts, k=len(prompts))), names, baseline))
    ]
    return {name: Strength(found[name], _interval([one[name] for one in drawn])) for name in names}


def _weight(
    a: str, strength: Mapping[str, float], points: Mapping[tuple[str, str], float]
) -> float:
    return sum(
        (points.get((a, b), 0.0) + points.get((b, a), 0.0)) / (strength[a] + strength[b])
        for b in strength
        if b != a
    )


def _connected(points: Mapping[tuple[str, str], float], names: Sequence[str]) -> bool:
    """Whether everyone is reached from everyone over wins (Ford 1957): else no maximum exists."""
    forward = {a: [b for b in names if points.get((a, b), 0.0) > 0] for a in names}
    backward = {a: [b for b in names if points.get((b, a), 0.0) > 0] for a in names}
    return all(len(_reached(names[0], edges)) == len(names) for edges in (forward, backward))


def _reached(start: str, edges: Mapping[str, Sequence[str]]) -> set[str]:
    found, todo = {start}, [start]
    while todo:
        fresh = [name for name in edges[todo.pop()] if name not in found]
        found.update(fresh)
        todo.extend(fresh)
    return found


def _summed(drawn: Iterable[Mapping[tuple[str, str], float]]) -> dict[tuple[str, str], float]:
    total: dict[tuple[str, str], float] = {}
    for points in drawn:
        for pair, value in points.items():
            total[pair] = total.get(pair, 0.0) + value
    return total


def _interval(values: Sequence[float]) -> Interval | None:
    """The middle 95 % of bootstrap draws; None where more than a twentieth of them failed."""
    if len(values) < 0.95 * RESAMPLES:
        return None
    ordered = sorted(values)
    low, high = (round(share * (len(ordered) - 1)) for share in (0.025, 0.975))
    return Interval(ordered[low], ordered[high])
