"""Games between two checkpoints, with records and points, as pure functions.

A game is one prompt (and repeat) with both checkpoints' answers, judged in both orders: 1 where the
first won, 0.5 for a tie, 0 where the second did; over turns, their mean. A game that lacks a
verdict has no value and is counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Game:
    """One prompt between two checkpoints.

    Attributes:
        sample_id: the suite's.
        repeat: of the answers.
        first, second: checkpoints.
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

    @property
    def games(self) -> int:
        """The number of games."""
        return self.wins + self.ties + self.losses + self.missing


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
    if everyone:
        pairs += [(a, b) for k, a in enumerate(others) for b in others[k + 1 :]]
    return pairs


def points_of(games: Iterable[Game]) -> dict[tuple[str, str], float]:
    """Return the points of each checkpoint against each other one over all prompts.

    A prompt weighs 1 however many repeats it has. `points[a, b]` is a's sum of values against b;
    `points[a, b] + points[b, a]` is the number of prompts between them that have a value.
    """
    by_prompt: dict[tuple[str, str, str], list[float]] = {}
    for game in games:
        if game.value is not None:
            by_prompt.setdefault((game.sample_id, game.first, game.second), []).append(game.value)
    points: dict[tuple[str, str], float] = {}
    for (_, first, second), values in by_prompt.items():
        value = sum(values) / len(values)
        points[first, second] = points.get((first, second), 0.0) + value
        points[second, first] = points.get((second, first), 0.0) + 1.0 - value
    return points


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
