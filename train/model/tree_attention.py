"""Attention over rows of trees: each response sees its prompt and itself, and nothing else.

It is registered with transformers under one name (`install`), so that an unmodified model computes
it. On a CPU it is computed span by span (`train.model.tree_attention_cpu`): the work is that of the
trees, however many lie in a row. On a GPU it is one FlexAttention call with a block mask, which
skips the blocks that no query sees. Padded rows get the attention that transformers calls `sdpa`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from torch.nn.functional import pad

from train.data.packing import Tree
from train.model.tree_attention_cpu import attend_to_trees

#: The implementation's name in a model's configuration while it computes trees.
TREE = "nca_tree"
#: Additions of some architectures to attention that are not computed here.
_UNSUPPORTED = ("softcap", "s_aux", "position_bias")


class UnsupportedAttention(Exception):  # noqa: N818 - a reason to take another form, not a fault
    """The reason for which a model's attention cannot be computed over trees."""


def install(model: Any) -> None:
    """Let a transformers model compute rows of trees.

    The setting stays: with activation checkpointing attention runs again in the backward pass.
    """
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(TREE, _attention)
    AttentionMaskInterface.register(TREE, _row_mask)
    model.set_attn_implementation(TREE)


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Any,
    *,
    trees: Sequence[Sequence[Tree]] | None = None,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Compute the attention of one layer of a model, `[R, T, heads, D]`.

    `query` is `[R, heads, T, D]`, `key` and `value` are `[R, key heads, T, D]`. For trees on a GPU
    `attention_mask` is a block mask. Rows without `trees` are handed on to transformers.

    Raises:
        UnsupportedAttention: the architecture adds something that is not computed here.
    """
    if trees is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        plain: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **more
        )
        return plain
    if additions := [name for name in _UNSUPPORTED if more.get(name) is not None]:
        raise UnsupportedAttention(f"its attention has {additions[0]}")
    groups = query.shape[1] // key.shape[1]
    if isinstance(attention_mask, BlockMask):
        flex = _flex(query.device.type)
        out = flex(
            query, key, value, block_mask=attention_mask, scale=scaling, enable_gqa=groups > 1
        )
        return out.transpose(1, 2).contiguous(), None
    if query.shape[3] != value.shape[3]:
        raise UnsupportedAttention("its values are not as wide as its queries")
    return attend_to_trees(query, key, value, trees, scaling), None


def block_mask(trees: Sequence[Sequence[Tree]], length: int, device: torch.device) -> BlockMask:
    """Build the trees' mask for FlexAttention, `[R, 1, T, T]` in blocks, with T = `length`."""
    numbers, segments = (
        torch.stack([pad(ids, (0, length - len(ids)), value=-1) for ids in kind]).to(device)
        for kind in zip(*map(_labels, trees), strict=True)
    )

    def sees(row: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        same = numbers[row, query] == numbers[row, key]
        segment = segments[row, key]
        near = (segment == 0) | (segment == segments[row, query])
        return (key <= query) & same & near

    return create_block_mask(sees, len(trees), None, length, length, device=str(device))


def _labels(row: Sequence[Tree]) -> tuple[Tensor, Tensor]:
    """Return each token's tree number and segment number (0 for the prompt) in a row."""
    sizes = torch.tensor([size for tree in row for size in tree])
    numbers = torch.tensor([number for number, tree in enumerate(row) for _ in tree])
    segments = torch.tensor([segment for tree in row for segment in range(len(tree))])
    return numbers.repeat_interleave(sizes), segments.repeat_interleave(sizes)


def _row_mask(attention_mask: Tensor | None = None, **more: Any) -> Any:
    """Build the mask of rows without trees; trees need none beside their sizes."""
    if attention_mask is None:
        return None
    from transformers.masking_utils import sdpa_mask

    return sdpa_mask(attention_mask=attention_mask, **more)


@cache
def _flex(device: str) -> Any:
    """Return FlexAttention, compiled on a GPU, where it is slow otherwise."""
    return torch.compile(flex_attention) if device == "cuda" else flex_attention
