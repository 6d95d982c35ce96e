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
from itertools import accumulate

import torch
from torch import Tensor

from train.data.tokens import TokenGroup

#: Tokens of a packed row. Attention costs a row nothing beyond its trees, so a row may be long;
#: what bounds memory is the number of prompts in a batch.
ROW_TOKENS = 16384

#: Tokens in one tree: of its prompt, then of each response as it lies in the row.
Tree = tuple[int, ...]


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
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors = {k: v.to(device) for k, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **tensors)  # type: ignore[arg-type]  # the names are not known to mypy


@dataclass(frozen=True, slots=True)
class _Piece:
    """A prompt and some of its responses behind each other, before they are put into a row."""

    ids: list[int]
    positions: list[int]
    tree: Tree
    places: list[int]
    targets: list[int]
    owners: list[int]


def padded(groups: Sequence[TokenGroup]) -> Rows:
    """Lay out one row a response, padded on the right."""
    width = _width(groups)
    rows = [
        [_piece(group, (index,), place * width)]
        for place, group in enumerate(groups)
        for index in range(len(group.responses))
    ]
    return _stack(groups, rows, packed=False)


def tree(groups: Sequence[TokenGroup], row_tokens: int = ROW_TOKENS) -> Rows:
    """Pack trees into rows of at most `row_tokens` tokens; a longer tree has its own row."""
    width = _width(groups)
    pieces = [
        _piece(group, range(len(group.responses)), place * width)
        for place, group in enumerate(groups)
    ]
    rows = pack([len(piece.ids) for piece in pieces], row_tokens)
    return _stack(groups, [[pieces[number] for number in row] for row in rows], packed=True)


def _width(groups: Sequence[TokenGroup]) -> int:
    return max(len(group.responses) for group in groups)


def _piece(group: TokenGroup, members: Sequence[int], first_owner: int) -> _Piece:
    """Put the prompt and the chosen responses of a group behind each other."""
    start = len(group.prompt)
    chosen = [group.responses[member] for member in members]
    sizes = [len(response) - 1 for response in chosen]
    offsets = accumulate(sizes, initial=start)
    ids, positions = list(group.prompt), list(range(start))
    places, owners = [], []
    for member, response, size, offset in zip(members, chosen, sizes, offsets, strict=False):
        ids += response[:-1]
        positions += range(start, start + size)
        # The prompt's last position predicts the first token, each token then the next.
        places += [start - 1, *range(offset, offset + size)]
        owners += [first_owner + member] * len(response)
    targets = [token for response in chosen for token in response]
    return _Piece(ids, positions, (start, *sizes), places, targets, owners)


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


def _stack(groups: Sequence[TokenGroup], rows: Sequence[list[_Piece]], *, packed: bool) -> Rows:
    lengths = [sum(len(piece.ids) for piece in row) for row in rows]
    length = max(lengths)
    places: list[int] = []
    for number, row in enumerate(rows):
        starts = accumulate((len(piece.ids) for piece in row), initial=number * length)
        places += [s + p for piece, s in zip(row, starts, strict=False) for p in piece.places]

    def matrix(name: str) -> Tensor:
        values = [[v for piece in row for v in getattr(piece, name)] for row in rows]
        return torch.tensor([value + [0] * (length - len(value)) for value in values])

    def vector(name: str) -> Tensor:
        return torch.tensor([v for row in rows for piece in row for v in getattr(piece, name)])

    return Rows(
        input_ids=matrix("ids"),
        position_ids=matrix("positions"),
        mask=torch.arange(length)[None, :] < torch.tensor(lengths)[:, None],
        trees=tuple(tuple(piece.tree for piece in row) for row in rows) if packed else None,
        places=torch.tensor(places),
        targets=vector("targets"),
        owners=vector("owners"),
        shape=(len(groups), _width(groups)),
    )
