"""Each response sees its prompt and itself: by spans and by a block mask, as by one dense mask."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from train.data.packing import Tree, count_tokens, padded, tree
from train.data.tokens import TokenGroup
from train.model.logprobs import logprobs
from train.model.tree_attention import (
    TREE,
    UnsupportedAttention,
    _attention,
    attend_to_trees,
    block_mask,
    install,
)

Rows = list[list[Tree]]
TREES = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=3
)


def dense_mask(rows: Rows, length: int) -> Tensor:
    """True where a query sees a key, said token by token; padding sees itself."""
    mask = torch.eye(length, dtype=torch.bool).repeat(len(rows), 1, 1)
    for number, row in enumerate(rows):
        tokens = [
            (place, segment)
            for place, sizes in enumerate(row)
            for segment, size in enumerate(sizes)
            for _ in range(size)
        ]
        for query, (query_tree, query_segment) in enumerate(tokens):
            for key, (key_tree, key_segment) in enumerate(tokens[: query + 1]):
                visible = key_segment in (0, query_segment)
                mask[number, query, key] = query_tree == key_tree and visible
    return mask


def length_of(rows: Rows) -> int:
    return max(sum(sum(sizes) for sizes in row) for row in rows)


def tensors(rows: Rows) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape = (len(rows), 2, length_of(rows) + 1, 4)  # one place of padding at least
    return [
        torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
        for _ in range(3)
    ]


def gradients(out: Tensor, used: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    out = out * used[:, None, :, None]
    return list(torch.autograd.grad(out.sin().sum(), inputs))


def used_places(rows: Rows, length: int) -> Tensor:
    sizes = torch.tensor([sum(map(sum, row)) for row in rows])
    return torch.arange(length)[None, :] < sizes[:, None]


@settings(deadline=None, max_examples=40)
@given(st.lists(TREES, min_size=1, max_size=2))
def test_spans_are_the_dense_mask(rows: Rows) -> None:
    inputs = tensors(rows)
    length = inputs[0].shape[2]
    used = used_places(rows, length)
    expected = scaled_dot_product_attention(
        *inputs, attn_mask=dense_mask(rows, length)[:, None], scale=0.3
    )
    result = attend_to_trees(*inputs, rows, 0.3).transpose(1, 2)
    assert torch.allclose(result[:, 0][used], expected[:, 0][used], atol=1e-12)
    assert not result.transpose(1, 2)[~used].any()
    for ours, theirs in zip(
        gradients(result, used, inputs), gradients(expected, used, inputs), strict=True
    ):
        assert torch.allclose(ours, theirs, atol=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.lists(TREES, min_size=1, max_size=2))
def test_the_block_mask_is_the_dense_mask(rows: Rows) -> None:
    length = length_of(rows) + 1
    mask = block_mask(rows, length, torch.device("cpu"))
    places = torch.arange(length)
    result = torch.stack(
        [
            mask.mask_mod(torch.tensor(row), torch.tensor(0), places[:, None], places[None, :])
            for row in range(len(rows))
        ]
    )
    used = used_places(rows, length)
    both = used[:, :, None] & used[:, None, :]
    assert torch.equal(result & both, dense_mask(rows, length) & both)
    assert result.any(dim=2).all()  # a query that sees nothing is NaN


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_attention_gives_what_spans_give() -> None:
    rows: Rows = [[(5, 3, 0), (4, 2, 6)], [(7, 1, 2)]]
    # Torch takes no gradient of FlexAttention on a CPU, so values only.
    query, key, value = (tensor.detach() for tensor in tensors(rows))
    shared_key, shared_value = key[:, :1], value[:, :1]  # two heads share one key
    mask = block_mask(rows, query.shape[2], torch.device("cpu"))
    given = {"trees": rows, "scaling": 0.5}
    flex, _ = _attention(None, query, shared_key, shared_value, mask, **given)
    spans, _ = _attention(None, query, shared_key, shared_value, None, **given)
    used = used_places(rows, query.shape[2])
    assert torch.allclose(flex[used], spans[used], atol=1e-12)


def test_what_is_not_computed_is_refused() -> None:
    query, key, value = tensors([[(2, 1)]])
    with pytest.raises(UnsupportedAttention, match="softcap"):
        _attention(None, query, key, value, None, trees=[[(2, 1)]], softcap=30.0)
    with pytest.raises(UnsupportedAttention, match="not as wide"):
        _attention(None, query, key, value[..., :3], None, trees=[[(2, 1)]])


def test_rows_without_trees_are_computed_as_before(tiny: Any, groups: list[TokenGroup]) -> None:
    model = tiny("llama")
    before, _ = logprobs(model, groups, "padded")
    install(model)
    assert model.config._attn_implementation == TREE
    assert torch.equal(logprobs(model, groups, "padded")[0], before)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.lists(st.integers(1, 20), min_size=1, max_size=4)),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 120),
)
def test_rows_hold_every_response_token_once_after_the_right_ones(
    shapes: list[tuple[int, list[int]]], row_tokens: int
) -> None:
    groups = [
        TokenGroup(
            tuple(range(1000 * n, 1000 * n + prompt)),
            tuple(
                tuple(range(1000 * n + 100 * (k + 1), 1000 * n + 100 * (k + 1) + size))
                for k, size in enumerate(sizes)
            ),
            tuple(map(float, sizes)),
            "made",
        )
        for n, (prompt, sizes) in enumerate(shapes)
    ]
    for rows in (tree(groups, row_tokens), padded(groups)):
        before = rows.input_ids.flatten()[rows.places]
        width = rows.shape[1]
        seen: dict[int, list[tuple[int, int]]] = {}
        for owner, source, target in zip(
            rows.owners.tolist(), before.tolist(), rows.targets.tolist(), strict=True
        ):
            seen.setdefault(owner, []).append((source, target))
        for place, group in enumerate(groups):
            for index, response in enumerate(group.responses):
                sources = [group.prompt[-1], *response[:-1]]
                assert seen.pop(place * width + index) == list(zip(sources, response, strict=True))
        assert not seen
    packed = tree(groups, row_tokens)
    assert packed.trees is not None
    used = [sum(map(sum, row)) for row in packed.trees]
    assert used == packed.mask.sum(dim=1).tolist()
    assert all(
        tokens <= row_tokens or len(row) == 1
        for tokens, row in zip(used, packed.trees, strict=True)
    )
    # First fit: no two rows would fit into one.
    assert all(a + b > row_tokens for i, a in enumerate(used) for b in used[i + 1 :])


@pytest.mark.parametrize("form", ["tree", "padded"])
def test_the_extent_of_a_batch_is_that_of_its_rows(form: str, groups: list[TokenGroup]) -> None:
    rows = tree(groups) if form == "tree" else padded(groups)
    assert count_tokens(groups, packed=form == "tree") == (int(rows.mask.sum()), rows.mask.numel())
