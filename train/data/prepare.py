"""The data of a config as token groups: read, reduced to what is compared, tokenised."""

import random
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

from train.config import TrainConfig
from train.data.groups import DataReport, read_groups
from train.data.row_formats import Group
from train.data.tokens import TokenGroup, TokenReport, tokenise
from train.errors import DataError, TrainError
from train.objectives.pairwise import CHOICE_NEEDED, choose_pairs
from train.objectives.registry import find


@dataclass(frozen=True, slots=True)
class Counts:
    """The rows, prompts and responses of a source, counted on their way into training."""

    data: DataReport  # rows read, kept and dropped
    tokens: TokenReport  # prompts and responses that were cut
    pairless: int = 0  # prompts dropped because a pair objective finds no two unequal rewards
    tied_pairs: int = 0  # pairs of responses with equal rewards, which such an objective skips


@dataclass(frozen=True, slots=True)
class Prepared:
    """Token groups to train on and to probe, with their counts (None without a probe source)."""

    train: tuple[TokenGroup, ...]
    probe: tuple[TokenGroup, ...]
    counts: Counts
    probe_counts: Counts | None


def prepare(config: TrainConfig, tokenizer: Any) -> Prepared:
    """Read and tokenise the data that a config names.

    The probe keeps all its responses, so that probes of several methods show the same. Raises
    DataError where a file or row is malformed, or nothing is left to train on, and TrainError where
    the objective cannot use the data, or the tokenizer has no usable template.
    """
    groups, report = read_groups(config.data, config.rows, config.responses, config.seed)
    compared = [kept for group in groups if (kept := select_compared(config, group)) is not None]
    if not compared:
        raise DataError(
            f"{config.data}: all rewards of each prompt are equal: {config.method} has no pair"
        )
    limits = (config.max_length, config.max_prompt_length, config.too_long)
    train, tokens = tokenise(tokenizer, compared, *limits)
    pairs = (pair for group in groups for pair in combinations(group.rewards, 2))
    tied_pairs = sum(first == second for first, second in pairs)
    counts = Counts(report, tokens, len(groups) - len(compared), tied_pairs)
    if config.probe is None:
        return Prepared(train, (), counts, None)
    probe_groups, probe_report = read_groups(config.probe, config.probe_rows)
    for group in probe_groups:
        select_compared(config, group)  # the probe's loss compares pairs too
    probe, probe_tokens = tokenise(tokenizer, probe_groups, *limits)
    return Prepared(train, probe, counts, Counts(probe_report, probe_tokens))


def select_compared(config: TrainConfig, group: Group) -> Group | None:
    """Return the group with the responses that the objective compares, None where there are none.

    Raises TrainError where there are more than two, and the config does not choose the pairs.
    """
    if find(config.method).labels == "rewards":
        return group
    if config.pairs is None and len(group.responses) > 2:
        raise TrainError(f"{group.source}: {config.method} {CHOICE_NEEDED}")
    rng = random.Random(f"{config.seed}:{group.source}")
    pairs = choose_pairs(group.rewards, config.pairs or "all", rng)
    return group.select(sorted(set(chain(*pairs)))) if pairs else None
