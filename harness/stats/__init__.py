"""How sure a number is: intervals, paired differences and corrections, as pure functions.

Every random draw takes a seed. Differences are always first minus second. Repeats of one prompt
are not independent: average them per prompt before they come here, which leaves one value a
prompt and so clusters by prompt (`clusters`). docs/explanation/statistics.md says which is used
where.
"""

from harness.stats.clusters import Noise, cluster_means, clustered_interval, noise
from harness.stats.intervals import is_binary, mean, mean_intervals, mover_average, wilson
from harness.stats.paired import (
    bonett_price,
    holm,
    mcnemar,
    paired_average,
    paired_averages,
    paired_difference,
    paired_differences,
)
from harness.stats.records import Interval, Mean, PairedDifference
from harness.stats.resampling import (
    RESAMPLES,
    bootstrap_mean,
    bootstrap_means,
    sign_flip,
    sign_flips,
)
from harness.stats.seeds import (
    LEAST_SEEDS,
    MethodDifference,
    SeedSpread,
    method_difference,
    seed_spread,
)
from harness.stats.wins import WinRate, is_won_or_tied, win_rate

__all__ = [
    "LEAST_SEEDS",
    "RESAMPLES",
    "Interval",
    "Mean",
    "MethodDifference",
    "Noise",
    "PairedDifference",
    "SeedSpread",
    "WinRate",
    "bonett_price",
    "bootstrap_mean",
    "bootstrap_means",
    "cluster_means",
    "clustered_interval",
    "holm",
    "is_binary",
    "is_won_or_tied",
    "mcnemar",
    "mean",
    "mean_intervals",
    "method_difference",
    "mover_average",
    "noise",
    "paired_average",
    "paired_averages",
    "paired_difference",
    "paired_differences",
    "seed_spread",
    "sign_flip",
    "sign_flips",
    "wilson",
    "win_rate",
]
