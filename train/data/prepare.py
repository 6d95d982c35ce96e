"""From a job's data to token groups: read, keep what the objective compares, tokenise."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from train.config import TrainConfig
from train.data.groups import DataReport, Group, read_groups
from train.data.tokens import TokenGroup, TokenReport, tokenise
from train.errors import DataError, TrainError
from train.objectives.pairs import needed_responses
from train.objectives.pairwise import pairs_remedy
from train.objectives.registry import entry


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a source of data on its way into training.

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
    kept = _for_objective(config, groups)
    train, tokens = _tokenised(config, tokenizer, kept)
    pairless = len(groups) - len(kept)
    counts = Counts(report, tokens, pairless, sum(map(_tied_pairs, groups)))
    if config.probe is None:
        return Prepared(train, (), counts, None)
    held, probe_report = read_groups(config.probe, config.probe_rows)
    for group in held:
        compared(config, group)  # the probe's loss compares pairs too
    probe, probe_tokens = _tokenised(config, tokenizer, held)
    return Prepared(train, probe, counts, Counts(probe_report, probe_tokens))


def _tokenised(
    config: TrainConfig, tokenizer: Any, groups: Sequence[Group]
) -> tuple[tuple[TokenGroup, ...], TokenReport]:
    lengths = (config.max_length, config.max_prompt_length)
    found, report = tokenise(tokenizer, groups, *lengths, config.too_long)
    if not found:
        where = groups[0].source.rpartition(":")[0]
        raise DataError(f"{where}: no prompt fits: raise max_length, or set too_long: cut")
    return found, report


def compared(config: TrainConfig, group: Group) -> Group | None:
    """The group with only the responses that the objective compares; None where there are none.

    Raises:
        TrainError: the objective needs pairs, the group has more than two responses, and the
            config does not say which pairs.
    """
    if entry(config.method).labels == "rewards":
        return group
    if config.pairs is None and len(group.responses) > 2:
        raise TrainError(f"{group.source}: {pairs_remedy(config.method)}")
    rng = random.Random(f"{config.seed}:{group.source}")
    places = needed_responses(group.rewards, config.pairs or "all", rng)
    return group.only(places) if places else None


def _for_objective(config: TrainConfig, groups: Sequence[Group]) -> list[Group]:
    kept = [found for group in groups if (found := compared(config, group)) is not None]
    if not kept:
        raise DataError(
            f"{config.data}: all rewards of each prompt are equal: {config.method} has no pair"
        )
    return kept


def _tied_pairs(group: Group) -> int:
    return sum(a == b for a, b in combinations(group.rewards, 2))
