"""The speed of work and the time left: pure arithmetic on a stage's events.

Answers from the journal come at once and say nothing about the rest, so speed and time left stand
on generated samples only. Seconds are those in which an engine was ready, so its start counts as
little. What is left is taken to be generated: where more of it is in the journal it takes less.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """One suite for one checkpoint: what is done of it.

    Attributes:
        total: samples (of each repeat) to be answered.
        begun: whether one of them was taken up.
        generated: of those done, those that an engine answered; others came from the journal.
        tokens: generated for those.
        seconds: with an engine ready, since the pair was begun.
        not_ok: samples that the model failed (cut off, empty, unreadable, ...); they stay in n.
        lost: samples that we failed (`infra`, `judge_missing`, `ungraded`, `filtered`).
    """

    suite: str
    checkpoint: str
    total: int
    begun: bool = False
    done: int = 0
    generated: int = 0
    tokens: int = 0
    seconds: float = 0.0
    not_ok: int = 0
    lost: int = 0

    @property
    def key(self) -> Key:
        """Its suite and checkpoint, which no other pair shares."""
        return self.suite, self.checkpoint

    @property
    def title(self) -> str:
        """Its name on a screen."""
        return f"{self.suite} · {self.checkpoint}"

    @property
    def finished(self) -> bool:
        """True once every sample is done."""
        return self.done >= self.total

    @property
    def running(self) -> bool:
        """True between the first sample taken up and the last one done."""
        return self.begun and not self.finished

    @property
    def rate(self) -> float | None:
        """Tokens a second, its share of what the engine generates; None before it gave any."""
        return _rate(self.tokens, self.seconds)

    @property
    def left(self) -> float | None:
        """Seconds until it is done, if it keeps its part of the engine."""
        return _share(self.seconds, self.total - self.done, self.generated)


@dataclass(frozen=True, slots=True)
class EvaluationProgress:
    """All pairs of an evaluation, in the order of their first report.

    `seconds` are those with an engine ready, since the evaluation began.
    """

    pairs: Mapping[Key, Pair] = field(default_factory=dict)
    seconds: float = 0.0

    def after(self, event: Mapping[str, Any]) -> Self:
        """Return the progress after an `evaluating` event, which holds the pairs that changed."""
        changed = (Pair(**pair) for pair in event["pairs"])
        pairs = {**self.pairs, **{pair.key: pair for pair in changed}}
        return replace(self, pairs=pairs, seconds=event["seconds"])

    def count(self, name: str) -> int:
        """Return the sum of a count of all pairs."""
        return sum(getattr(pair, name) for pair in self.pairs.values())

    @property
    def done(self) -> int:
        """Samples that are finished."""
        return self.count("done")

    @property
    def total(self) -> int:
        """Samples to be answered."""
        return self.count("total")

    @property
    def overall(self) -> dict[str, int | float | None]:
        """Its sums over all pairs, as programs read them."""
        return {
            "done": self.done,
            "total": self.total,
            "tokens_per_second": self.rate,
            "seconds_left": self.left,
        }

    @property
    def rate(self) -> float | None:
        """Tokens a second that the engine generates; None before it gave any."""
        return _rate(self.count("tokens"), self.seconds)

    @property
    def left(self) -> float | None:
        """Seconds until all is done; None before anything was generated.

        Samples of a suite are weighed by the mean tokens of its generated ones (of all suites'
        where it has none yet): seconds × weight of what is left / weight of what was generated.
        """
        generated, tokens = Counter[str](), Counter[str]()
        for pair in self.pairs.values():
            generated[pair.suite] += pair.generated
            tokens[pair.suite] += pair.tokens
        mean = tokens.total() / generated.total() if tokens.total() else 1.0  # or none are counted
        weights = {s: tokens[s] / n for s, n in generated.items() if n and tokens.total()}
        pairs = [(pair, weights.get(pair.suite, mean)) for pair in self.pairs.values()]
        behind = sum(pair.generated * weight for pair, weight in pairs)
        ahead = sum((pair.total - pair.done) * weight for pair, weight in pairs)
        return _share(self.seconds, ahead, behind)


def _rate(count: int, seconds: float) -> float | None:
    return count / seconds if count and seconds > 0 else None


def _share(seconds: float, ahead: float, behind: float) -> float | None:
    if not ahead:
        return 0.0
    return seconds * ahead / behind if behind and seconds > 0 else None


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of training as last reported: `first` was done at its first report, at `began`.

    Times are seconds of any one clock.
    """

    began: float
    first: int
    done: int
    total: int

    def left(self, now: float) -> float | None:
        """Return seconds until it is done, at the speed since its first report."""
        return _share(now - self.began, self.total - self.done, self.done - self.first)


def phase_after(old: Phase | None, event: Mapping[str, Any], now: float) -> Phase:
    """Return a phase after a `progress` event; one that counts from the front again begins anew."""
    done, total = event["done"], event["total"]
    if old is None or done < old.done:
        return Phase(now, done, done, total)
    return replace(old, done=done, total=total)


def stage_title(event: Mapping[str, Any]) -> str:
    """Return the title of the stage that a `stage`, `ended` or `skipped` event is about."""
    return f"[{event['number']}/{event['of']}] {event['title']}"


@dataclass(frozen=True, slots=True)
class View:
    """The work that runs at one moment; `began` is the stage's start by the screen's clock."""

    title: str = ""
    began: float = 0.0
    phases: Mapping[str, Phase] = field(default_factory=dict)
    speed: float | None = None
    progress: EvaluationProgress = field(default_factory=EvaluationProgress)

    def after(self, event: Mapping[str, Any], now: float) -> "View":
        """Return the view after an event; a stage that begins or ended has nothing of the last."""
        if event["event"] == "stage":
            return View(stage_title(event), now)
        if event["event"] == "ended":
            return View()
        if event["event"] == "progress":
            name = event["phase"]
            phase = phase_after(self.phases.get(name), event, now)
            return replace(self, phases={**self.phases, name: phase})
        if event["event"] == "speed":
            return replace(self, speed=event["tokens_per_second"])
        if event["event"] == "evaluating":
            return replace(self, progress=self.progress.after(event))
        return self
