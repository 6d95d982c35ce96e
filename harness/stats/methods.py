"""Methods, checkpoints that differ in the training seed alone, and their differences.

A checkpoint is one training run. Two methods are compared only where both have at least three
training seeds; a checkpoint that was not trained, such as the base, needs none.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from harness.stats import seeds
from harness.stats.paired import holm
from harness.stats.series import shared_values
from harness.storage.result import CheckpointResult, Result

#: The part of a checkpoint's name that a sweep over seeds adds.
SEED = re.compile(r"-seed(\d+)(?=-|$)")
#: A difference is called significant when its corrected p-value is below this.
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Method:
    """Checkpoints of several training seeds; `spreads` of their scores, by suite."""

    name: str
    checkpoints: tuple[str, ...]
    means: dict[str, float]
    spreads: dict[str, seeds.SeedSpread]


@dataclass(frozen=True, slots=True)
class Gap:
    """The difference between two methods on a suite: first minus second."""

    first: str
    second: str
    suite: str
    difference: seeds.MethodDifference
    p_holm: float

    @property
    def significant(self) -> bool:
        """Return True if the difference is significant after correction."""
        return self.p_holm < LEVEL


def methods(result: Result) -> tuple[Method, ...]:
    """Return the checkpoints with several training seeds, by method.

    Checkpoints of a method share all training settings except the seed; where settings are not
    recorded, names like `nca-seed0` decide.
    """
    groups: dict[str, list[CheckpointResult]] = {}
    for checkpoint in result.checkpoints:
        groups.setdefault(_setting(checkpoint), []).append(checkpoint)
    return tuple(
        _method(members)
        for members in groups.values()
        if len(members) > 1 and len({_seed(c) for c in members}) == len(members)
    )


def gaps(result: Result, baseline: str, *, allow_missing: bool) -> tuple[Gap, ...]:
    """Return the differences between methods of three seeds or more, and from the baseline.

    Only prompts that all their checkpoints share count; a suite on which a value is missing is
    left out unless that is allowed. p-values are corrected (Holm) for all gaps.
    """
    families = methods(result)
    comparable = {
        method.name: [result.checkpoint(name) for name in method.checkpoints]
        for method in families
        if len(method.checkpoints) >= seeds.LEAST_SEEDS
    }
    own = {name for method in families for name in method.checkpoints}
    if comparable and baseline not in own and result.checkpoint(baseline).train is None:
        comparable[baseline] = [result.checkpoint(baseline)]
    differences = []
    for second, first in combinations([*comparable][::-1], 2):
        ours, theirs = comparable[first], comparable[second]
        for suite, series in _shared(ours + theirs, allow_missing=allow_missing):
            if len(series[0]) > 1:
                gap = seeds.method_difference(series[: len(ours)], series[len(ours) :])
                differences.append(Gap(first, second, suite, gap, gap.p_value))
    adjusted = holm([gap.p_holm for gap in differences])
    return tuple(replace(gap, p_holm=p) for gap, p in zip(differences, adjusted, strict=True))


def _shared(
    members: Sequence[CheckpointResult], *, allow_missing: bool
) -> Iterator[tuple[str, list[list[float]]]]:
    """Yield the suites that all members have, with the values of each on the shared prompts."""
    for suite in members[0].suites:
        scores = [c.suites[suite] for c in members if suite in c.suites]
        complete = all(s.value is not None for score in scores for s in score.samples)
        if len(scores) == len(members) and (allow_missing or complete):
            yield suite, shared_values(scores)


def _method(members: Sequence[CheckpointResult]) -> Method:
    stems = {SEED.sub("", c.name) for c in members}
    means, spreads = {}, {}
    for suite, series in _shared(members, allow_missing=False):
        if series[0]:
            own = [sum(values) / len(values) for values in series]
            means[suite] = sum(own) / len(own)
            if spread := seeds.seed_spread([own]):
                spreads[suite] = spread
    name = stems.pop() if len(stems) == 1 else members[0].name
    return Method(name, tuple(c.name for c in members), means, spreads)


def _setting(checkpoint: CheckpointResult) -> str:
    if checkpoint.train is None:
        return SEED.sub("", checkpoint.name)
    rest = {key: value for key, value in checkpoint.train.items() if key != "seed"}
    return json.dumps(rest, sort_keys=True)


def _seed(checkpoint: CheckpointResult) -> str:
    if checkpoint.train is not None and "seed" in checkpoint.train:
        return str(checkpoint.train["seed"])
    return seed_of(checkpoint.name) or checkpoint.name


def seed_of(name: str) -> str:
    """Return the seed in a checkpoint's name; "" where there is none."""
    match = SEED.search(name)
    return match[1] if match else ""
