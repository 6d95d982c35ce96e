"""Win rates with ties, and training seeds: by hand, and by simulation with fixed seeds."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import ttest_ind

from harness.stats.paired import bonett_price, is_won_or_tied, mcnemar, win_rate
from harness.stats.seeds import method_difference, seed_spread

DRAWS = 1_000


def test_a_tie_is_half_a_win() -> None:
    found = win_rate(wins=8, ties=10, losses=2)
    around = bonett_price(8, 2, 20)
    assert (found.value, found.n, found.p_value) == (0.65, 20, mcnemar(8, 2))
    assert found.interval.low == pytest.approx(0.5 + around.low / 2)
    assert found.interval.high == pytest.approx(0.5 + around.high / 2)


def test_ties_alone_and_wins_alone_keep_a_width() -> None:
    ties, wins = win_rate(0, 20, 0), win_rate(20, 0, 0)
    assert ties.value == 0.5
    assert ties.interval.low < 0.5 < ties.interval.high
    assert (wins.value, wins.interval.high) == (1.0, 1.0)
    assert wins.interval.low < 0.95


def test_only_wins_ties_and_losses_are_a_win_rate() -> None:
    assert is_won_or_tied([0, 0.5, 1])
    assert not is_won_or_tied([0, 1])
    assert not is_won_or_tied([0, 0.5, 0.7])


def test_win_rates_cover_and_even_games_are_called_at_most_6_in_100_times() -> None:
    rng = np.random.default_rng(0)
    for chances, truth in (((0.35, 0.4, 0.25), 0.55), ((0.3, 0.4, 0.3), 0.5)):
        games = [win_rate(*map(int, row)) for row in rng.multinomial(160, chances, DRAWS)]
        covered = sum(g.interval.low <= truth <= g.interval.high for g in games)
        assert 0.93 <= covered / DRAWS <= 0.97
    assert sum(g.p_value < 0.05 for g in games) <= 0.06 * DRAWS


def test_the_spread_over_seeds_is_pooled_by_hand() -> None:
    # Squares about their means: 2 and 8; degrees 1 + 1.
    found = seed_spread([[1, 3], [0, 4], [7]])
    assert found
    assert (found.sd, found.degrees) == (pytest.approx(sqrt(10 / 2)), 2)
    assert found.interval.low < found.sd < found.interval.high
    assert seed_spread([[1], [2]]) is None


def test_where_prompts_do_not_matter_methods_are_compared_by_welchs_test() -> None:
    first, second = [3.0, 4.0, 6.0], [1.0, 2.0, 1.5]
    found = method_difference([[x] * 50 for x in first], [[x] * 50 for x in second])
    welch = ttest_ind(first, second, equal_var=False)
    assert found.p_value == pytest.approx(float(welch.pvalue))
    assert found.delta == pytest.approx(17 / 6)
    assert found.of_prompts == pytest.approx(0.0)
    assert found.seeds == (3, 3)


def test_a_single_series_has_no_seeds_and_two_are_no_methods() -> None:
    rng = np.random.default_rng(1)
    seeds = list(rng.normal(1, 1, (3, 40)))
    found = method_difference(seeds, [np.zeros(40)])
    assert found.of_seeds == pytest.approx(float(np.std(np.mean(seeds, axis=1), ddof=1)) / sqrt(3))
    for first, second in (([[1.0, 2.0]], [[1.0, 2.0]]), ([[1.0], [2.0]], [[1.0]])):
        with pytest.raises(ValueError, match="needed"):
            method_difference(first, second)
    with pytest.raises(ValueError, match="length"):
        method_difference([[1.0, 2.0], [1.0]], [[1.0, 2.0]])


def test_without_any_spread_nothing_is_shown() -> None:
    assert method_difference([[1.0] * 4] * 3, [[0.0] * 4] * 3).p_value == 1.0


@pytest.mark.parametrize(("of_seed", "of_prompt"), [(0.1, 0.1), (0.03, 0.8), (0.2, 0.4)])
def test_equal_methods_are_told_apart_at_most_6_in_100_times(
    of_seed: float, of_prompt: float
) -> None:
    # Three seeds each, 100 prompts; a prompt suits one method better whatever the seed.
    rng = np.random.default_rng(2)
    found = []
    for _ in range(DRAWS // 2):
        shared = rng.normal(0, 1, 100)
        sides = [
            shared
            + rng.normal(0, of_prompt / sqrt(2), 100)
            + rng.normal(0, of_seed, (3, 1))
            + rng.normal(0, 0.3, (3, 100))
            for _ in range(2)
        ]
        found.append(method_difference(list(sides[0]), list(sides[1])))
    assert sum(f.p_value < 0.05 for f in found) <= 0.06 * len(found)
    covered = sum(f.interval.low <= 0 <= f.interval.high for f in found) / len(found)
    assert covered >= 0.93
