"""From a job's files to token groups: read, keep what the objective compares, tokenise."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from train.config import TrainConfig
from train.data import DataReport, Group, read_groups
from train.errors import DataError, TrainError
from train.objectives import entry
from train.pairs import needed_responses
from train.pairwise import pairs_remedy
from train.tokens import TokenGroup, TokenReport, tokenise


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a data file on its way into training.

    Attributes:
        data: rows read, kept and dropped.
        tokens: prompts and responses that were cut.
        pairless: prompts dropped because a pair objective finds no two unequal rewards in them.
        tied_pairs: pairs of responses with equal rewards, which a pair objective never compares.
    """

    data: DataReport
    tokens: TokenReport
    pairless: int = 0
    tied_pairs: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Token groups to train on and to probe, with their counts (None without a probe file)."""

    train: tuple[TokenGroup, ...]
    probe: tuple[TokenGroup, ...]
    counts: Counts
    probe_counts: Counts | None

    def digest(self) -> str:
        """A hash of every token and reward."""
        return hashlib.sha256(repr((self.train, self.probe)).encode()).hexdigest()


def prepare(config: TrainConfig, tokenizer: Any) -> Prepared:
    """Read and tokenise what a config names.

    The probe keeps all its responses, whatever the objective compares: probes of several methods
    show the same responses.

    Raises:
        DataError: a file or row is malformed, or nothing is left to train on.
        TrainError: the objective cannot use the data, or the tokenizer has no usable template.
    """
    groups, report = read_groups(config.data, config.rows, config.responses, config.seed)
    kept = _for_objective(config, groups, config.data)
    train, tokens = tokenise(tokenizer, kept, config.max_length, config.max_prompt_length)
    pairless = len(groups) - len(kept)
    counts = Counts(report, tokens, pairless, sum(map(_tied_pairs, groups)))
    if config.probe is None:
        return Prepared(train, (), counts, None)
    held, probe_report = read_groups(config.probe, config.probe_rows)
    _check_pairs(config, held, config.probe)
    probe, probe_tokens = tokenise(tokenizer, held, config.max_length, config.max_prompt_length)
    return Prepared(train, probe, counts, Counts(probe_report, probe_tokens))


def _for_objective(config: TrainConfig, groups: Sequence[Group], path: Path) -> list[Group]:
    """The groups with only the responses that the objective compares."""
    if entry(config.method).labels == "rewards":
        return list(groups)
    _check_pairs(config, groups, path)
    kept = []
    for group in groups:
        rng = random.Random(f"{config.seed}:{group.source}")
        places = needed_responses(group.rewards, config.pairs or "all", rng)
        if places:
            responses = tuple(group.responses[place] for place in places)
            rewards = tuple(group.rewards[place] for place in places)
            kept.append(replace(group, responses=responses, rewards=rewards))
    if not kept:
        raise DataError(
            f"{path}: all rewards of each prompt are equal: {config.method} has no pair"
        )
    return kept


def _check_pairs(config: TrainConfig, groups: Sequence[Group], path: Path) -> None:
    pairs = entry(config.method).labels == "pairs"
    if pairs and config.pairs is None and any(len(group.responses) > 2 for group in groups):
        raise TrainError(f"{path}: {pairs_remedy(config.method)}")


def _tied_pairs(group: Group) -> int:
    return sum(a == b for a, b in combinations(group.rewards, 2))
