"""Games between two checkpoints, with records, points and strengths, as pure functions.

A game is one prompt (and repeat) with both checkpoints' answers, judged in both orders: 1 where the
first won, 0.5 for a tie, 0 where the second did; over turns, their mean. A game that lacks a
verdict has no value and is counted.

The strengths are those of Bradley and Terry (1952): a beats b with probability s_a / (s_a + s_b);
a tie is half a win for each. They are maximum-likelihood estimates by Hunter's MM algorithm (Annals
of Statistics 32, 2004, section 2), given as Elo points, 400 log10(s_a / s_baseline). They exist
only where no group of checkpoints won or lost everything against the rest; else they are infinite,
and None is given.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import log10

import numpy as np
from scipy.sparse.csgraph import connected_components

from harness.stats.records import Interval

#: Relative change of a strength below which it has converged.
_TOLERANCE = 1e-10
_MOST_STEPS = 10_000
RESAMPLES = 1_000
Points = dict[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Game:
    """One prompt between two checkpoints.

    Attributes:
        value: the first's, 0 to 1; None where a verdict is missing.
        official: by upstream's rule (`eval_suites.judging.pairwise`); None where that drops it.
        consistent: share of turns on which both orders agree; None where a verdict is missing.
        reason: of a missing value.
    """

    sample_id: str
    repeat: int
    first: str
    second: str
    value: float | None
    official: float | None = None
    consistent: float | None = None
    reason: str = ""

    def seen_by(self, name: str) -> "Game":
        """Return the same game with `name` as the first."""
        if name == self.first:
            return self
        return replace(
            self,
            first=self.second,
            second=self.first,
            value=None if self.value is None else 1.0 - self.value,
            official=None if self.official is None else 1.0 - self.official,
        )


@dataclass(frozen=True, slots=True)
class Record:
    """The games of one checkpoint against another.

    Attributes:
        wins, ties, losses: games by value: above a half, a half, below it.
        missing: games without a value.
        win_rate: mean value, ties as half a win; None without any.
        official_win_rate: upstream's adjusted win rate, on the games that it does not drop.
        consistency: share of turns on which both orders agreed; None without any.
    """

    wins: int = 0
    ties: int = 0
    losses: int = 0
    missing: int = 0
    win_rate: float | None = None
    official_win_rate: float | None = None
    consistency: float | None = None


def record(games: Iterable[Game], name: str) -> Record:
    """Return the record of one of the two checkpoints that played some games."""
    seen = [game.seen_by(name) for game in games]
    values = [game.value for game in seen if game.value is not None]
    return Record(
        wins=sum(value > 0.5 for value in values),
        ties=sum(value == 0.5 for value in values),
        losses=sum(value < 0.5 for value in values),
        missing=len(seen) - len(values),
        win_rate=_mean(values),
        official_win_rate=_mean([g.official for g in seen if g.official is not None]),
        consistency=_mean([g.consistent for g in seen if g.consistent is not None]),
    )


def pairings(names: Sequence[str], baseline: str, *, everyone: bool) -> list[tuple[str, str]]:
    """Return the pairs that are compared: all against the baseline, or everyone against everyone.

    The baseline is always the second.
    """
    others = [name for name in names if name != baseline]
    pairs = [(name, baseline) for name in others]
    return pairs + list(combinations(others, 2)) if everyone else pairs


def points_of(games: Iterable[Game]) -> Points:
    """Return the points of each checkpoint against each other one over all prompts.

    A prompt weighs 1 however many repeats it has. `points[a, b]` is a's sum of values against b;
    `points[a, b] + points[b, a]` is the number of prompts between them that have a value.
    """
    by_prompt: dict[tuple[str, str, str], list[float]] = {}
    for game in games:
        if game.value is not None:
            by_prompt.setdefault((game.sample_id, game.first, game.second), []).append(game.value)
    points: Points = {}
    for (_, first, second), values in by_prompt.items():
        value = sum(values) / len(values)
        points[first, second] = points.get((first, second), 0.0) + value
        points[second, first] = points.get((second, first), 0.0) + 1.0 - value
    return points


@dataclass(frozen=True, slots=True)
class Strength:
    """A checkpoint's strength in Elo points above the baseline, with a 95 % interval.

    The interval is None where too many resamples have no finite strengths.
    """

    elo: float
    interval: Interval | None = None


def strengths(points: Points, names: Sequence[str], baseline: str) -> dict[str, float] | None:
    """Return Elo points of each checkpoint above the baseline; None where there are none.

    `names` are the checkpoints, the baseline among them.
    """
    if not _connected(points, names):
        return None
    strength = dict.fromkeys(names, 1.0)
    total = {a: sum(points.get((a, b), 0.0) for b in names) for a in names}
    games = {
        (a, b): points.get((a, b), 0.0) + points.get((b, a), 0.0) for a in names for b in names
    }
    for _ in range(_MOST_STEPS):
        # Games against each opponent, over the sum of both strengths.
        weight = {
            a: sum(games[a, b] / (strength[a] + strength[b]) for b in names if b != a)
            for a in names
        }
        new = {a: total[a] / weight[a] for a in names}
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


def _connected(points: Points, names: Sequence[str]) -> bool:
    """Return True where wins lead from everyone to everyone (Ford 1957): else no maximum exists."""
    wins = [[points.get((a, b), 0.0) > 0 for b in names] for a in names]
    count, _ = connected_components(np.array(wins), connection="strong")
    return int(count) == 1


def _summed(prompts: Iterable[Points]) -> Points:
    total: Points = {}
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


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
