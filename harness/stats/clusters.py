"""Means and noise of clustered values: several answers a prompt, or verdicts an answer."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TypeVar

from harness.stats.records import squares

Cluster = TypeVar("Cluster", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Noise:
    """The two parts of the standard error of a mean over prompts.

    Attributes:
        between: variance of prompts' true means, not below 0.
        within: variance of one answer (or of one verdict on the same answer) about its prompt's.
        prompts: how many.
        repeats: answers (or verdicts) a prompt; their harmonic mean where prompts differ.
    """

    between: float
    within: float
    prompts: int
    repeats: float

    @property
    def of_prompts(self) -> float:
        """Return the standard error that no number of repeats removes: sqrt(between / n)."""
        return sqrt(self.between / self.prompts)

    @property
    def of_repeats(self) -> float:
        """Return the standard error over repeats of the same prompts: sqrt(within / (n·k))."""
        return sqrt(self.within / (self.prompts * self.repeats))

    @property
    def error(self) -> float:
        """Return both together: sqrt(between / n + within / (n·k))."""
        return sqrt(self.of_prompts**2 + self.of_repeats**2)


def cluster_means(values: Sequence[float], clusters: Sequence[Cluster]) -> dict[Cluster, float]:
    """Return the mean of each cluster, in the order in which clusters first appear.

    Answers to one prompt are not independent; their means are.
    """
    members: dict[Cluster, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        members.setdefault(cluster, []).append(value)
    return {cluster: sum(own) / len(own) for cluster, own in members.items()}


def noise(repeats: Mapping[str, Sequence[float]]) -> Noise | None:
    """Split the variance into prompts and repeats; None without repeats or a second prompt.

    One-way analysis of variance with random effects: within = mean over prompts of the variance
    of their values, between = variance of the prompts' means − within / k, not below 0. Searle,
    Casella and McCulloch, "Variance Components" (1992), chapter 3. With the verdicts of a judge
    on the same answer as repeats, `of_repeats` is the judge's own noise.
    """
    groups = list(repeats.values())
    several = [squares(group) / (len(group) - 1) for group in groups if len(group) > 1]
    if not several or len(groups) < 2:
        return None
    within, k = sum(several) / len(several), len(groups) / sum(1 / len(g) for g in groups)
    spread = squares([sum(group) / len(group) for group in groups]) / (len(groups) - 1)
    return Noise(max(0.0, spread - within / k), within, len(groups), k)
