"""The losses: sheet values, gradients, invariances, and TRL as an oracle."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from train.errors import TrainError
from train.objectives.listwise import kto_reference, soft_labels
from train.objectives.registry import REGISTRY, find, objective

M = torch.tensor([[0.5, -0.2, 0.1, -1.0]], dtype=torch.float64)
REWARDS = torch.tensor([[8.0, 7.5, 6.0, 3.0]], dtype=torch.float64)
ALL = torch.ones(1, 4, dtype=torch.bool)
PAIR = torch.tensor([[3.0, -7.0]], dtype=torch.float64)
WON = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
BOTH = torch.ones(1, 2, dtype=torch.bool)
METHODS = sorted(REGISTRY)
PAIRS = [name for name in METHODS if REGISTRY[name].labels == "pairs"]
LENGTHS = torch.tensor([[20, 10]])


def build(name: str, beta: float = 1.0, alpha: float = 1.0, pairs: str = "best_vs_rest") -> Any:
    values = {"beta": beta, "alpha": alpha, "pairs": pairs}
    return objective(name, **{key: values[key] for key in values if key in find(name).settings})


def zeros(like: Tensor) -> Tensor:
    return torch.zeros_like(like)


def ones(mask: Tensor) -> Tensor:
    """Responses of one token each."""
    return mask.long()


@pytest.mark.parametrize(
    ("alpha", "infonca", "nca"),
    [
        (1e-4, 0.871308, 1.131546),
        (0.0, 0.871308, 1.131546),
        (0.5, 1.062408, 1.219823),
        (1.0, 1.150853, 1.260367),
        (5.0, 1.365129, 1.374869),
    ],
)
def test_values_for_four_responses(alpha: float, infonca: float, nca: float) -> None:
    for name, expected in (("infonca", infonca), ("nca", nca)):
        out = objective(name, beta=1.0, alpha=alpha)(M, zeros(M), REWARDS, ALL)
        assert out.loss.item() == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("name", "extra", "expected"),
    [
        ("dpo", {}, 0.313262),
        ("infonca", {"alpha": 0.0}, 0.313262),
        ("nca", {"alpha": 0.0}, 1.183126),
    ],
)
def test_values_of_the_paper_s_own_on_a_pair(
    name: str, extra: dict[str, float], expected: float
) -> None:
    out = objective(name, beta=0.1, **extra)(PAIR, zeros(PAIR), WON, BOTH)
    assert out.loss.item() == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("biased_nca", {}, 0.957541),
        ("bco_pair", {}, 0.957541),
        ("cdpo", {"epsilon": 0.1}, 0.413262),
        ("robust_dpo", {"epsilon": 0.1}, 0.188262),
        ("hinge", {}, 0.0),
        ("ipo", {"average": False}, 25.0),
        ("ipo", {}, 17.2225),
        ("exo", {"epsilon": 1e-3}, 1.276310),
    ],
)
def test_values_of_its_kin_on_a_pair(name: str, settings: dict[str, Any], expected: float) -> None:
    out = objective(name, beta=0.1, **settings)(PAIR, zeros(PAIR), WON, BOTH, LENGTHS)
    assert out.loss.item() == pytest.approx(expected, abs=5e-7)
    assert torch.allclose(out.implicit_rewards, 0.1 * PAIR)


def test_values_without_a_reference() -> None:
    logps = torch.tensor([[-20.0, -15.0]], dtype=torch.float64)
    nonsense = torch.full_like(logps, math.nan)
    arguments = (logps, nonsense, WON, BOTH, LENGTHS)
    assert objective("simpo", beta=2.0, gamma=0.5)(*arguments).loss.item() == pytest.approx(
        0.474077, abs=5e-7
    )
    orpo = objective("orpo", beta=0.1)(*arguments).loss.item()
    assert orpo - 1.0 == pytest.approx(0.040114, abs=5e-7)
    assert objective("sft")(*arguments).loss.item() == pytest.approx(1.0)


def test_kto_has_its_values_and_takes_its_reference_from_the_batch() -> None:
    ratios = torch.tensor([[3.0, -7.0], [8.0, -2.0]], dtype=torch.float64)  # mean 0.5
    won, both = WON.repeat(2, 1), BOTH.repeat(2, 1)
    losses = objective("kto", beta=0.1)(ratios, zeros(ratios), won, both).losses
    assert losses[0].item() == pytest.approx((0.437823 + 0.320821) / 2, abs=1e-6)
    assert kto_reference(PAIR, BOTH).item() == 0.0
    leaf = ratios.clone().requires_grad_()
    assert not kto_reference(leaf, both).requires_grad
    tied = objective("kto", beta=0.1)(ratios, zeros(ratios), zeros(ratios), both)
    assert tied.loss.item() == 0.0


def test_what_averages_over_tokens_asks_for_lengths() -> None:
    for name in ("ipo", "simpo", "orpo", "sft"):
        with pytest.raises(TrainError, match="lengths"):
            build(name)(PAIR, zeros(PAIR), WON, BOTH)


@pytest.mark.parametrize("name", ["robust_dpo", "exo"])
def test_an_impossible_epsilon_is_refused(name: str) -> None:
    with pytest.raises(TrainError, match="epsilon"):
        objective(name, beta=0.1, epsilon=1.0)


@pytest.mark.parametrize("name", ["infonca", "nca"])
def test_the_first_response_is_favoured_only_on_request(name: str) -> None:
    tied = torch.zeros_like(REWARDS)
    plain = objective(name, beta=1.0, alpha=1e-4)(M, zeros(M), tied, ALL)
    first = torch.tensor([[1.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    hard = objective(name, beta=1.0, alpha=0.0)(M, zeros(M), first, ALL)
    favoured = objective(name, beta=1.0, alpha=1e-4, favour_first=True)(M, zeros(M), tied, ALL)
    assert favoured.loss.item() == pytest.approx(hard.loss.item(), abs=1e-12)
    assert abs(plain.loss.item() - hard.loss.item()) > 1e-3
    assert torch.allclose(favoured.labels, first)
    assert torch.equal(plain.labels, torch.full_like(M, 0.25))


@pytest.mark.parametrize("name", PAIRS)
def test_a_prompt_s_loss_is_the_mean_over_its_pairs(name: str) -> None:
    lengths = torch.tensor([[5, 6, 7, 8]])
    logps = M - 9
    whole = build(name, 0.1, pairs="best_vs_rest")(logps, zeros(M), REWARDS, ALL, lengths)
    alone = []
    for other in (1, 2, 3):
        columns = [0, other]
        parts = (x[:, columns] for x in (logps, zeros(M), REWARDS, ALL, lengths))
        alone.append(build(name, 0.1)(*parts).loss.item())
    assert whole.loss.item() == pytest.approx(sum(alone) / 3, abs=1e-12)


@pytest.mark.parametrize("k", [2, 3, 4, 7])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 10.0])
def test_at_the_start_the_losses_are_known(k: int, alpha: float) -> None:
    logps = torch.randn(3, k)
    rewards = torch.randn(3, k)
    mask = torch.ones(3, k, dtype=torch.bool)
    for name, expected in (
        ("dpo", math.log(2)),
        ("infonca", math.log(k)),
        ("nca", 2 * math.log(2)),
        ("biased_nca", 2 * math.log(2)),
    ):
        losses = build(name, 0.1, alpha)(logps, logps, rewards, mask).losses
        assert torch.allclose(losses, torch.full((3,), expected), atol=1e-6)


def test_soft_infonca_on_a_pair_is_dpo_with_smoothed_labels() -> None:
    rewards = torch.tensor([[1.0, 0.3]], dtype=torch.float64)
    out = objective("infonca", beta=0.1, alpha=0.5)(PAIR, zeros(PAIR), rewards, BOTH)
    epsilon = soft_labels(rewards, BOTH, 0.5)[0, 1].item()
    expected = (1 - epsilon) * math.log1p(math.exp(-1)) + epsilon * math.log1p(math.exp(1))
    assert out.loss.item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_autograd_equals_the_written_gradients(alpha: float) -> None:
    weights = soft_labels(REWARDS, ALL, alpha)
    expected = {
        "infonca": M.softmax(1) - weights,
        "nca": -weights * torch.sigmoid(-M) + torch.sigmoid(M) / 4,
    }
    for name, gradient in expected.items():
        logps = M.clone().requires_grad_()
        objective(name, beta=1.0, alpha=alpha)(logps, zeros(M), REWARDS, ALL).loss.backward()
        assert torch.allclose(logps.grad, gradient, atol=1e-14)


def test_nca_is_least_where_the_implicit_reward_is_log_k_times_the_label() -> None:
    best = (4 * soft_labels(REWARDS, ALL, 1.0)).log().requires_grad_()
    objective("nca", beta=1.0, alpha=1.0)(best, zeros(M), REWARDS, ALL).loss.backward()
    assert best.grad.abs().max() < 1e-14


numbers = st.floats(-20, 20, allow_nan=False)


@st.composite
def batches(draw: Any) -> Any:
    rows, k = draw(st.integers(1, 3)), draw(st.integers(2, 5))

    def matrix() -> Any:
        values = draw(st.lists(numbers, min_size=rows * k, max_size=rows * k))
        return torch.tensor(values, dtype=torch.float64).view(rows, k)

    counts = draw(st.lists(st.integers(2, k), min_size=rows, max_size=rows))
    mask = torch.arange(k)[None, :] < torch.tensor(counts)[:, None]
    rewards = (matrix() * 2).round() / 2  # ties happen
    return matrix(), matrix(), rewards, mask


@pytest.mark.parametrize("name", METHODS)
@settings(deadline=None, max_examples=30)
@given(batch=batches(), alpha=st.sampled_from([0.0, 0.1, 2.0]), shift=numbers)
def test_a_constant_on_all_rewards_changes_nothing(
    name: str, batch: Any, alpha: float, shift: float
) -> None:
    logps, ref, rewards, mask = batch
    shift = round(shift)  # exact in floating point, so that ties stay ties
    loss = build(name, 0.1, alpha)
    shifted = loss(logps, ref, rewards + shift, mask, ones(mask))
    plain = loss(logps, ref, rewards, mask, ones(mask))
    assert torch.allclose(plain.losses, shifted.losses, atol=1e-9)


@pytest.mark.parametrize("name", METHODS)
@settings(deadline=None, max_examples=30)
@given(batch=batches(), alpha=st.sampled_from([0.0, 0.1, 2.0]))
def test_masked_garbage_and_order_change_nothing(name: str, batch: Any, alpha: float) -> None:
    logps, ref, rewards, mask = batch
    loss = build(name, 0.1, alpha, pairs="all")
    plain = loss(logps, ref, rewards, mask, ones(mask))
    assert torch.isfinite(plain.losses).all()
    flipped = [x.flip(1) for x in batch]
    assert torch.allclose(loss(*flipped, ones(mask)).losses, plain.losses, atol=1e-9)
    junk = [torch.cat([x, torch.full_like(x[:, :1], 1e6)], 1) for x in (logps, ref, rewards)]
    junk[0][:, -1] = math.nan
    wide = torch.cat([mask, torch.zeros_like(mask[:, :1])], 1)
    leaf = junk[0].clone().requires_grad_()
    padded = loss(leaf, junk[1], junk[2], wide, wide.long())
    assert torch.allclose(padded.losses, plain.losses, atol=1e-9)
    padded.loss.backward()
    assert torch.isfinite(leaf.grad).all()


@settings(deadline=None, max_examples=30)
@given(batch=batches())
def test_a_constant_on_all_implicit_rewards_is_seen_by_nca_only(batch: Any) -> None:
    logps, ref, rewards, mask = batch
    for name, same in (("infonca", True), ("dpo", True), ("nca", False)):
        loss = build(name, 0.1, 1.0)
        moved, still = loss(logps + 10, ref, rewards, mask), loss(logps, ref, rewards, mask)
        assert torch.allclose(moved.losses, still.losses, atol=1e-9) == same


def test_ties_share_the_label_and_padding_gets_none() -> None:
    rewards = torch.tensor([[2.0, 2.0, 1.0, 9.0]])
    mask = torch.tensor([[True, True, True, False]])
    assert soft_labels(rewards, mask, 0.0).tolist() == [[0.5, 0.5, 0.0, 0.0]]
    assert torch.isfinite(soft_labels(rewards, mask, 1e-30)).all()


def test_the_mean_is_over_prompts_whatever_their_k() -> None:
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    logps, rewards = M.repeat(2, 1), REWARDS.repeat(2, 1)
    out = objective("nca", beta=1.0, alpha=1.0)(logps, zeros(logps), rewards, mask)
    alone = objective("nca", beta=1.0, alpha=1.0)(
        M[:, :2], zeros(M[:, :2]), REWARDS[:, :2], mask[1:, :2]
    )
    assert out.losses[1].item() == pytest.approx(alone.loss.item(), abs=1e-12)
    assert out.loss.item() == pytest.approx(out.losses.mean().item(), abs=1e-12)


def test_dpo_drops_tied_pairs_and_means_over_the_rest() -> None:
    logps = torch.tensor([[1.0, 0.0, -1.0], [5.0, 1.0, 2.0]], dtype=torch.float64)
    rewards = torch.tensor([[1.0, 1.0, 0.0], [3.0, 3.0, 3.0]], dtype=torch.float64)
    mask = torch.ones(2, 3, dtype=torch.bool)
    out = objective("dpo", beta=1.0, pairs="all")(logps, zeros(logps), rewards, mask)
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(-1))) / 2
    assert out.losses.tolist() == pytest.approx([expected, 0.0])
    assert out.loss.item() == pytest.approx(expected)


def test_dpo_on_more_than_two_responses_must_be_told_which_pairs() -> None:
    with pytest.raises(TrainError, match="set `pairs`"):
        objective("dpo", beta=0.1)(M, zeros(M), REWARDS, ALL)


def test_infonca_refuses_one_response_and_nca_warns() -> None:
    single = torch.tensor([[True, False, False, False]])
    with pytest.raises(TrainError, match="at least 2"):
        objective("infonca", beta=0.1)(M, zeros(M), REWARDS, single)
    with pytest.warns(UserWarning, match="one response"):
        objective("nca", beta=0.1)(M, zeros(M), REWARDS, single)


def test_unknown_names_and_settings_are_named() -> None:
    with pytest.raises(TrainError, match=r"'ncaa'.*dpo, .*infonca, .*nca"):
        objective("ncaa", beta=0.1)
    with pytest.raises(TrainError, match="dpo takes no alpha"):
        objective("dpo", beta=0.1, alpha=1.0)
    with pytest.raises(TrainError, match="float32"):
        objective("dpo", beta=0.1)(PAIR.half(), PAIR.half(), WON, BOTH)
    with pytest.raises(TrainError, match="sft takes no beta: it takes no settings"):
        objective("sft", beta=0.1)
