"""AlpacaEval 2.0's length-controlled win rate (Dubois et al. 2024, arXiv 2404.04475).

A logistic regression without intercept explains each preference by the tanh of the length
difference, by the difficulty of the instruction, and by a constant; the win rate is what it
predicts where lengths do not differ. Two gamed versions of the baseline, whose true preference is
known, are fitted along with a total weight of 0.2. Difficulties and gamed rows are in a file of
upstream's data set that nothing else needs: without it there is no such number.

The fit is in judging/length_model.py.
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from eval_suites.files import malformed, read_text
from eval_suites.scores import Score

DIFFICULTY_FILE = "alpaca_eval/df_gamed.csv"
NAME = "length_controlled_win_rate"
_PREFIX = "control/"
#: Fewer verdicts are too few for three coefficients and five folds.
_LEAST = 10


@dataclass(frozen=True, slots=True)
class Controls:
    """The facts of an instruction that the regression needs.

    Attributes:
        index: of the instruction in the baseline's file, from 0; rows are fitted in this order.
        difficulty: of the instruction.
        gamed: for each gamed baseline its preference (0 to 1) and its length difference, in
            standard deviations.
    """

    index: int
    difficulty: float
    gamed: tuple[tuple[float, float], ...]

    def metrics(self, difference: float) -> dict[str, float]:
        """Return these facts and the length difference, in characters, as metrics of a sample."""
        values = {"index": float(self.index), "difference": difference}
        values["difficulty"] = self.difficulty
        for number, (preference, gap) in enumerate(self.gamed):
            values[f"gamed_{number}_preference"] = preference
            values[f"gamed_{number}_difference"] = gap
        return {f"{_PREFIX}{name}": value for name, value in values.items()}


def load_controls(folder: Path | None, count: int) -> tuple[Controls, ...] | None:
    """Return the controls of the benchmark's `count` rows, or None without the file.

    Raises:
        DataError: the file is malformed, or lacks a row.
    """
    if folder is None or not (folder / DIFFICULTY_FILE).is_file():
        return None
    path = f"{folder}/{DIFFICULTY_FILE}"
    gamed: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    difficulties: dict[int, float] = {}
    lines = csv.DictReader(io.StringIO(read_text(folder, DIFFICULTY_FILE)))
    for number, line in enumerate(lines, 2):
        try:
            index = int(line["index"])
            difficulties.setdefault(index, _finite(line["instruction_difficulty"]))
            gamed[index].append((_finite(line["preference"]), _finite(line["std_delta_len"])))
        except (KeyError, TypeError, ValueError) as error:
            fault = f"{type(error).__name__}: {error}"
            raise malformed(f"{path}, line {number}", fault) from error
    if missing := set(range(count)) - difficulties.keys():
        raise malformed(path, f"nothing about instruction {min(missing)}")
    return tuple(Controls(row, difficulties[row], tuple(gamed[row])) for row in range(count))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def length_controlled(scores: Sequence[Score], means: Mapping[str, float]) -> dict[str, float]:
    """Return the means without the controls, and with the length-controlled win rate.

    Args:
        scores: one a sample, with `win_rate` and the metrics of `Controls`. Nothing is added where
            these are absent, where there are too few verdicts, or where all lengths differ alike.
        means: of the suite.
    """
    from eval_suites.judging.length_model import controlled_rate

    shown = {name: value for name, value in means.items() if not name.startswith(_PREFIX)}
    rows = [
        {name.removeprefix(_PREFIX): value for name, value in score.metrics.items()}
        for score in scores
        if f"{_PREFIX}index" in score.metrics
    ]
    rows.sort(key=itemgetter("index"))
    differences = [row["difference"] for row in rows]
    preferences = [row.get("win_rate", math.nan) for row in rows]  # NaN without a verdict
    verdicts = len(rows) - sum(map(math.isnan, preferences))
    if verdicts < _LEAST or min(differences) == max(differences):
        return shown
    difficulties = [row["difficulty"] for row in rows]
    return shown | {NAME: controlled_rate(differences, difficulties, preferences, _gamed(rows))}


def _gamed(rows: Sequence[Mapping[str, float]]) -> list[tuple[float, float, float]]:
    """Return the gamed rows in the order of upstream's file: one baseline after the other."""
    baselines = max(sum(name.endswith("_preference") for name in row) for row in rows)
    return [
        (row[f"gamed_{number}_preference"], row[f"gamed_{number}_difference"], row["difficulty"])
        for number in range(baselines)
        for row in rows
        if f"gamed_{number}_preference" in row
    ]
