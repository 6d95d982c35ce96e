"""Attention over rows of trees: each response sees its prompt and itself, and nothing else.

It is registered with transformers under one name (`install`), so that an unmodified model computes
it. On a GPU it is one FlexAttention call with a block mask, which skips the blocks that no query
sees. Padded rows get the attention that transformers calls `sdpa`.

On a CPU it is computed span by span: the work is that of the trees, however many lie in a row, and
no key is copied or masked. A prompt attends to itself. The responses attend to their prompt all
together, and each to itself; the two parts are merged by their log-sum-exps. The backward pass
gives each part the merged result and log-sum-exp, which is all that its gradient needs of the other
(as in ring attention, arXiv 2310.01889). The parts are computed by the operator below
`scaled_dot_product_attention`, which has no public name, because the function above it does not
return the log-sum-exp.

Measured on two CPU cores, 2 trees of 4 responses, one layer of SmolLM2-135M, forward and backward:
0.14 CPU-seconds with one dense mask a row, 0.051 with one masked call a response on copies of its
prompt's keys, 0.047 this way.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from torch.nn.functional import pad

from train.data.packing import Tree, Trees

#: The implementation's name in a model's configuration while it computes trees.
TREE = "nca_tree"
#: FlexAttention is slow where it is not compiled.
_compile: Any = cache(torch.compile)
#: Additions of some architectures to attention that are not computed here.
_UNSUPPORTED = ("softcap", "s_aux", "position_bias")
_forward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu  # noqa: SLF001
_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward  # noqa: SLF001


class UnsupportedAttention(Exception):  # noqa: N818 - a reason to take another form, not a fault
    """The reason for which a model's attention cannot be computed over trees."""


def install(model: Any) -> None:
    """Let a transformers model compute rows of trees."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(TREE, _attention)
    AttentionMaskInterface.register(TREE, _row_mask)
    # It stays: with activation checkpointing attention runs again in the backward pass.
    model.set_attn_implementation(TREE)


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Any,
    *,
    trees: Trees | None = None,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Compute the attention of one layer of a model, `[R, T, heads, D]`.

    `query` is `[R, heads, T, D]`, `key` and `value` are `[R, key heads, T, D]`. For trees on a GPU
    `attention_mask` is a block mask. Rows without `trees` are handed on to transformers. Raises
    UnsupportedAttention where the architecture adds something that is not computed here.
    """
    if trees is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward as sdpa

        plain: tuple[Tensor, None]
        plain = sdpa(module, query, key, value, attention_mask, scaling=scaling, **more)
        return plain
    if additions := [name for name in _UNSUPPORTED if more.get(name) is not None]:
        raise UnsupportedAttention(f"its attention has {additions[0]}")
    groups = query.shape[1] // key.shape[1]
    if isinstance(attention_mask, BlockMask):
        seen = {"block_mask": attention_mask, "scale": scaling, "enable_gqa": groups > 1}
        flex = _compile(flex_attention) if query.device.type == "cuda" else flex_attention
        out = flex(query, key, value, **seen)
        return out.transpose(1, 2).contiguous(), None
    if query.shape[3] != value.shape[3]:
        raise UnsupportedAttention("its values are not as wide as its queries")
    return attend_to_trees(query, key, value, trees, scaling), None


def block_mask(trees: Trees, length: int, device: torch.device) -> BlockMask:
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


def attend_to_trees(
    query: Tensor, key: Tensor, value: Tensor, trees: Trees, scaling: float | None = None
) -> Tensor:
    """Compute attention where each response sees its prompt and itself, on a CPU.

    `query` is `[R, heads, T, D]`, `key` and `value` are `[R, key heads, T, D]`; `trees` are the
    sizes of each row's trees, `scaling` is the factor of the dot products, by default 1/sqrt(D).
    The result is `[R, T, heads, D]`, 0 on padding.
    """
    # Rotary embeddings leave wider queries and keys under autocast.
    query, key = query.to(value.dtype), key.to(value.dtype)
    result: Tensor = _TreeAttention.apply(query, key, value, trees, scaling)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return result


class _TreeAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, trees: Trees, scaling: float | None
    ) -> Tensor:
        grouped = _grouped(query, key, value)
        rows, groups, heads, length, size = grouped[0].shape
        out = query.new_zeros(rows, length, groups, heads, size)
        wide = torch.promote_types(query.dtype, torch.float32)
        total = query.new_full((rows, length, groups, heads), -torch.inf, dtype=wide)
        for row, queries, keys, causal in _parts(trees):
            q = grouped[0][row, :, :, queries]
            k, v = (tensor[row, :, :, keys] for tensor in grouped[1:])
            part, weight = _forward(q, k, v, 0.0, causal, scale=scaling)
            _merge(out[row, queries], total[row, queries], part, weight)
        ctx.save_for_backward(query, key, value, out, total)
        ctx.trees, ctx.scaling = trees, scaling
        return out.flatten(2, 3)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        query, key, value, out, total = ctx.saved_tensors
        grouped = _grouped(query, key, value)
        grad = grad.view_as(out)
        to_query, to_key, to_value = (torch.zeros_like(tensor) for tensor in (query, key, value))
        by_group = to_query.view_as(grouped[0])
        for row, queries, keys, causal in _parts(ctx.trees):
            slopes, result = (t[row, queries].permute(1, 2, 0, 3) for t in (grad, out))
            weight = total[row, queries].permute(1, 2, 0)
            q = grouped[0][row, :, :, queries]
            k, v = (tensor[row, :, :, keys] for tensor in grouped[1:])
            pulls = _backward(slopes, q, k, v, result, weight, 0.0, causal, scale=ctx.scaling)
            by_group[row, :, :, queries] += pulls[0]
            to_key[row, :, keys] += pulls[1].sum(1)
            to_value[row, :, keys] += pulls[2].sum(1)
        return to_query, to_key, to_value, None, None


def _parts(trees: Trees) -> Iterator[tuple[int, slice, slice, bool]]:
    """Yield the row, queries and keys of every part, and whether it is causal."""
    for row, sizes in enumerate(trees):
        start = 0
        for tree in sizes:
            ends = list(accumulate(tree, initial=start))
            segments = [slice(*pair) for pair in pairwise(ends) if pair[0] < pair[1]]
            yield from ((row, segment, segment, True) for segment in segments)
            if ends[1] < ends[-1]:
                yield row, slice(ends[1], ends[-1]), segments[0], False
            start = ends[-1]


def _grouped(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Group query heads by the key head that they share: views `[R, key heads, heads, T, D]`."""
    rows, groups, length, size = key.shape
    queries = query.view(rows, groups, -1, length, size)
    shape = (-1, -1, queries.shape[2], -1, -1)
    return queries, key.unsqueeze(2).expand(shape), value.unsqueeze(2).expand(shape)


def _merge(out: Tensor, total: Tensor, part: Tensor, weight: Tensor) -> None:
    """Merge a part into the result of the parts before, in place.

    `out` is `[T, key heads, heads, D]`, at first 0, and its log-sum-exp `total` at first -inf; the
    part is `[key heads, heads, T, D]`, and `weight` its log-sum-exp.
    """
    weight = weight.permute(2, 0, 1)
    joined = torch.logaddexp(total, weight)
    out.mul_((total - joined).exp_()[..., None])
    out.addcmul_(part.permute(2, 0, 1, 3), (weight - joined).exp_().to(out.dtype)[..., None])
    total.copy_(joined)
