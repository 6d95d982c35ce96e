"""How prompts and their responses lie in the rows that a model is given.

Two layouts of the same question, "how likely is each response after its prompt":

- padded: one row a response, `[prompt, response]`, padded on the right;
- tree: one row a prompt, `[prompt, y1, ..., yK]`. Each response sees the prompt and itself, and
  its positions go on from the prompt's, so the prompt is computed once.

The last token of a response is predicted and predicts nothing: it is left out of the rows.
Source of the idea: arXiv 2410.20305 (prefix sharing for pairs).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from train.tokens import TokenGroup

_PAD = -1


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for a model, and where in them each response token is predicted.

    Attributes:
        input_ids: `[R, T]`.
        position_ids: `[R, T]`.
        attention_mask: `[R, T]` (1 where a token is), or `[R, 1, T, T]` (true where the query may
            see the key).
        places: index into the flattened `[R * T]` positions that predict, `[N]`.
        targets: the N response tokens, `[N]`.
        owners: index into the flattened `[B * K]` responses, `[N]`.
        shape: (B, K): prompts, and the largest number of responses of one.
    """

    input_ids: Tensor
    position_ids: Tensor
    attention_mask: Tensor
    places: Tensor
    targets: Tensor
    owners: Tensor
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row before padding: ids, positions, segment (0 = prompt), predicting places, owners."""

    ids: list[int]
    positions: list[int]
    segments: list[int]
    places: list[int]
    owners: list[int]


def padded(groups: Sequence[TokenGroup]) -> Rows:
    """One row a response."""
    width = _width(groups)
    rows = [
        _row(group, (index,), place * width)
        for place, group in enumerate(groups)
        for index in range(len(group.responses))
    ]
    return _stack(groups, rows, tree=False)


def tree(groups: Sequence[TokenGroup]) -> Rows:
    """One row a prompt, all its responses behind it."""
    width = _width(groups)
    rows = [
        _row(group, range(len(group.responses)), place * width)
        for place, group in enumerate(groups)
    ]
    return _stack(groups, rows, tree=True)


def _width(groups: Sequence[TokenGroup]) -> int:
    return max(len(group.responses) for group in groups)


def _row(group: TokenGroup, members: Sequence[int], first_owner: int) -> _Row:
    """The prompt and the chosen responses of a group behind each other."""
    start = len(group.prompt)
    inputs = [group.responses[member][:-1] for member in members]
    offsets = accumulate(map(len, inputs), initial=start)
    ids, positions, segments = list(group.prompt), list(range(start)), [0] * start
    places, owners = [], []
    for member, given, offset in zip(members, inputs, offsets, strict=False):
        ids += given
        positions += range(start, start + len(given))
        segments += [member + 1] * len(given)
        # The prompt's last position predicts the first token, each token then the next.
        places += [start - 1, *range(offset, offset + len(given))]
        owners += [first_owner + member] * (len(given) + 1)
    return _Row(ids, positions, segments, places, owners)


def _stack(groups: Sequence[TokenGroup], rows: Sequence[_Row], *, tree: bool) -> Rows:
    length = max(len(row.ids) for row in rows)

    def matrix(values: Sequence[Sequence[int]], fill: int) -> Tensor:
        return torch.tensor([[*value, *[fill] * (length - len(value))] for value in values])

    segments = matrix([row.segments for row in rows], _PAD)
    targets = [token for group in groups for answer in group.responses for token in answer]
    return Rows(
        input_ids=matrix([row.ids for row in rows], 0),
        position_ids=matrix([row.positions for row in rows], 0),
        attention_mask=tree_mask(segments) if tree else (segments != _PAD).long(),
        places=torch.tensor([i * length + p for i, row in enumerate(rows) for p in row.places]),
        targets=torch.tensor(targets),
        owners=torch.tensor([owner for row in rows for owner in row.owners]),
        shape=(len(groups), _width(groups)),
    )


def tree_mask(segments: Tensor) -> Tensor:
    """What each position may see: `[R, 1, T, T]`, true where query (dim 2) sees key (dim 3).

    Args:
        segments: `[R, T]`; 0 for the prompt, above 0 for a response, -1 for padding.
    """
    query, key = segments[:, :, None], segments[:, None, :]
    length = segments.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    seen = causal & ((key == 0) | (key == query)) & (key != _PAD)
    # A padding position sees itself: a query that sees nothing is NaN in attention.
    return (seen | torch.eye(length, dtype=torch.bool)).unsqueeze(1)
