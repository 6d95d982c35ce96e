"""The layout of prompts and their responses in the rows that a model is given.

There are two layouts:

- padded: one row a response, `[prompt, response]`, padded on the right;
- tree: a prompt once, its responses behind it, `[prompt, y1, ..., yK]`; each response sees the
  prompt and itself (`train.model.tree_attention`), and its positions go on from the prompt's. Trees
  are packed behind each other into rows of a token budget, so that next to nothing is padded.

The last token of a response is predicted and predicts nothing: it is left out of the rows.
Source of the idea: arXiv 2410.20305 (prefix sharing for pairs).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from train.data.tokens import TokenGroup

#: Tokens of a packed row. Attention costs a row nothing beyond its trees, so a row may be long;
#: what bounds memory is the number of prompts in a batch.
ROW_TOKENS = 16384

#: Tokens in one tree: of its prompt, then of each response as it lies in the row.
Tree = tuple[int, ...]
#: The trees of each row.
Trees = Sequence[Sequence[Tree]]
#: A part of a row: a prompt's place in the batch, and the places of its responses that follow it.
_Piece = tuple[int, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for a model, and the places in them at which response tokens are predicted."""

    input_ids: Tensor  # `[R, T]`
    position_ids: Tensor  # `[R, T]`
    mask: Tensor  # `[R, T]`, true where a token is, false on padding
    trees: tuple[tuple[Tree, ...], ...] | None  # of each row, the trees in it; None for padded rows
    places: Tensor  # index into the flattened `[R * T]` positions that predict, `[N]`
    targets: Tensor  # the N response tokens, `[N]`
    owners: Tensor  # index into the flattened `[B * K]` responses, `[N]`
    shape: tuple[int, int]  # (B, K): prompts, and the largest number of responses of one

    def to(self, device: torch.device) -> "Rows":
        """Return the rows on a device."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        tensors = {name: v.to(device) for name, v in values if isinstance(v, Tensor)}
        return replace(self, **tensors)  # type: ignore[arg-type]  # the names are not known to mypy


def padded(groups: Sequence[TokenGroup]) -> Rows:
    """Lay out one row a response, padded on the right."""
    rows = [[(b, (k,))] for b, group in enumerate(groups) for k in range(len(group.responses))]
    return _lay_out(groups, rows, packed=False)


def tree(groups: Sequence[TokenGroup], row_tokens: int = ROW_TOKENS) -> Rows:
    """Pack trees into rows of at most `row_tokens` tokens; a longer tree has its own row."""
    packed = pack([group.size - len(group.responses) for group in groups], row_tokens)
    rows = [[(b, range(len(groups[b].responses))) for b in row] for row in packed]
    return _lay_out(groups, rows, packed=True)


def pack(sizes: Sequence[int], row_tokens: int) -> list[list[int]]:
    """Assign piece numbers to rows: longest first, each into the first row with room for it."""
    rows: list[list[int]] = []
    used: list[int] = []
    for number in sorted(range(len(sizes)), key=lambda number: -sizes[number]):
        size = sizes[number]
        row = next((i for i, tokens in enumerate(used) if tokens + size <= row_tokens), len(rows))
        if row == len(rows):
            rows.append([])
            used.append(0)
        rows[row].append(number)
        used[row] += size
    return rows


def count_tokens(groups: Sequence[TokenGroup], *, packed: bool) -> tuple[int, int]:
    """Count the tokens of a batch's rows, and the places for tokens in them (with padding)."""
    if packed:
        sizes = [group.size - len(group.responses) for group in groups]
        lengths = [sum(sizes[number] for number in row) for row in pack(sizes, ROW_TOKENS)]
    else:
        lengths = [len(g.prompt) + len(answer) - 1 for g in groups for answer in g.responses]
    return sum(lengths), len(lengths) * max(lengths)


def _lay_out(
    groups: Sequence[TokenGroup], rows: Sequence[Sequence[_Piece]], *, packed: bool
) -> Rows:
    width = max(len(group.responses) for group in groups)
    laid = [_lay_out_row(groups, row, width) for row in rows]
    ids, positions, trees, columns, targets, owners = zip(*laid, strict=True)
    lengths = torch.tensor([len(row) for row in ids])
    length = int(lengths.max())

    def matrix(lists: Sequence[list[int]]) -> Tensor:
        return torch.tensor([values + [0] * (length - len(values)) for values in lists])

    places = [row * length + column for row, part in enumerate(columns) for column in part]
    return Rows(
        input_ids=matrix(ids),
        position_ids=matrix(positions),
        mask=torch.arange(length)[None, :] < lengths[:, None],
        trees=trees if packed else None,
        places=torch.tensor(places),
        targets=torch.tensor(list(chain(*targets))),
        owners=torch.tensor(list(chain(*owners))),
        shape=(len(groups), width),
    )


def _lay_out_row(
    groups: Sequence[TokenGroup], row: Sequence[_Piece], width: int
) -> tuple[Any, ...]:
    """Return a row's ids, positions and trees; the columns that predict, targets and owners."""
    ids, positions, targets = list[int](), list[int](), list[int]()
    trees, columns, owners = [], [], []
    for prompt_number, members in row:
        group = groups[prompt_number]
        start = len(group.prompt)
        last = len(ids) + start - 1
        ids += group.prompt
        positions += range(start)
        for member in members:
            *inputs, _ = response = group.responses[member]
            # The prompt's last position predicts the first token, each token then the next.
            columns += [last, *range(len(ids), len(ids) + len(inputs))]
            ids += inputs
            positions += range(start, start + len(inputs))
            targets += response
            owners += [prompt_number * width + member] * len(response)
        trees.append((start, *(len(group.responses[member]) - 1 for member in members)))
    return ids, positions, tuple(trees), columns, targets, owners
