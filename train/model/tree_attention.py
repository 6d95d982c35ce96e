"""Attention over rows of trees: each response sees its prompt and itself, and nothing else.

Registered with transformers under one name (`install`), so that an unmodified model computes it.
On a CPU it is computed by spans (`train.model.tree_attention_cpu`): the work is that of the trees,
however many lie in a row. On a GPU it is one FlexAttention
call with a block mask, which skips the blocks that nobody sees. Rows without trees (padded ones)
get the attention that transformers calls `sdpa`.
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
# What some architectures add to attention, and this one does not compute.
_UNKNOWN = ("softcap", "s_aux", "position_bias")


class UnsupportedAttention(Exception):  # noqa: N818 - a reason to take another form, not a fault
    """A model asks attention for something that trees are not computed with."""


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
    """What a model's layer calls.

    Args:
        module: the layer, handed on to transformers for rows without trees.
        query: `[R, heads, T, D]`.
        key: `[R, key heads, T, D]`; `value` is like it.
        value: see `key`.
        attention_mask: a block mask for trees on a GPU; for rows without trees what their mask is.
        trees: of each row, the sizes of its trees.
        scaling: factor of the dot products; 1/sqrt(D) without.
        more: what else the architecture passes.

    Returns:
        `[R, T, heads, D]`, and None for weights that are never made.

    Raises:
        UnsupportedAttention: the architecture adds to attention what is not computed here.
    """
    if trees is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        plain: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **more
        )
        return plain
    if asked := [name for name in _UNKNOWN if more.get(name) is not None]:
        raise UnsupportedAttention(f"its attention has {asked[0]}")
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
    """The trees' mask for FlexAttention: `[R, 1, T, T]` in blocks.

    Args:
        trees: of each row, the sizes of its trees.
        length: T.
        device: where it is used.
    """
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
    """Of each token of a row: the number of its tree, and its segment (0 for the prompt)."""
    sizes = torch.tensor([size for tree in row for size in tree])
    numbers = torch.tensor([number for number, tree in enumerate(row) for _ in tree])
    segments = torch.tensor([segment for tree in row for segment in range(len(tree))])
    return numbers.repeat_interleave(sizes), segments.repeat_interleave(sizes)


def _row_mask(attention_mask: Tensor | None = None, **asked: Any) -> Any:
    """The mask of rows without trees; trees need none beside their sizes."""
    if attention_mask is None:
        return None
    from transformers.masking_utils import sdpa_mask

    return sdpa_mask(attention_mask=attention_mask, **asked)


@cache
def _flex(device: str) -> Any:
    """FlexAttention; compiled on a GPU, where it is fast only so."""
    return torch.compile(flex_attention) if device == "cuda" else flex_attention
