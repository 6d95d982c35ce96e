"""Arithmetic word problems of our own: pure, seeded, and split so that training cannot leak.

A problem belongs to one split by a hash of its template and numbers, so a test problem is in no
training set whatever the seeds, not even under other names; some templates occur only in "test".
"""

import hashlib
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

Split = Literal["train", "probe", "test"]

#: How many different problems a set may have; the smallest split holds several times as many.
MOST_PROBLEMS = 1000
#: Where a template's numbers fall, by hash: six tenths train, two probe, two test.
_SHARES: tuple[Split, ...] = ("train",) * 6 + ("probe",) * 2 + ("test",) * 2
_OPERATIONS: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
}
_NAMES = (
    "Ada", "Ben", "Carla", "Deniz", "Elif", "Femi", "Greta", "Hugo",
    "Ines", "Jonas", "Kenji", "Lena", "Marek", "Nora", "Omar", "Priya",
)  # fmt: skip
_THINGS = (
    "apples", "marbles", "stickers", "pencils", "shells", "buttons",
    "cards", "cookies", "stamps", "beads", "plums", "coins",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One calculation on two integers; division is always exact."""

    left: int
    sign: str
    right: int

    @property
    def result(self) -> int:
        """What the calculation gives."""
        return _OPERATIONS[self.sign](self.left, self.right)

    def shown(self, result: int | None = None) -> str:
        """The calculation as text, with `result` in the place of its own when given."""
        return f"{self.left} {self.sign} {self.right} = {self.result if result is None else result}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A word problem with the steps that solve it.

    `id` is the row in its set, `template` the name of its form, `name` and `thing` who and what it
    is about. `outline` is a sentence that solves it, with places `{first}` and `{last}` for the
    steps' calculations (only the last where there is one); empty for templates of tests only.
    """

    id: str
    template: str
    question: str
    name: str
    thing: str
    steps: tuple[Step, ...]
    outline: str = ""

    @property
    def answer(self) -> int:
        """The result of the last step."""
        return self.steps[-1].result


@dataclass(frozen=True, slots=True)
class _Template:
    """A text with places, a range for each number, and steps over the numbers' letters.

    `r` in a step is the result of the step before. `told` becomes a problem's outline.
    """

    name: str
    text: str
    ranges: tuple[tuple[int, int], ...]
    steps: tuple[str, ...]
    told: str = ""
    only_test: bool = False


_TEMPLATES = (
    _Template(
        "gain",
        "{name} has {a} {thing} and finds {b} more. How many {thing} does {name} have now?",
        ((3, 20), (2, 15)),
        ("a + b",),
        "{name} has {a} {thing} and finds {b} more, so {name} has {last} {thing} now.",
    ),
    _Template(
        "loss",
        "{name} had {a} {thing} and gave {b} of them to {other}. "
        "How many {thing} does {name} have left?",
        ((8, 25), (2, 15)),
        ("a - b",),
        "{name} had {a} {thing} and gave {b} of them to {other}, so {name} has {last} left.",
    ),
    _Template(
        "join",
        "{name} has {a} {thing} and {other} has {b} {thing}. "
        "How many {thing} do they have together?",
        ((3, 20), (3, 20)),
        ("a + b",),
        "{name} has {a} {thing} and {other} has {b}, so together they have {last} {thing}.",
    ),
    _Template(
        "missing",
        "{name} wants {a} {thing} and has {b} of them so far. "
        "How many {thing} does {name} still need?",
        ((8, 25), (2, 15)),
        ("a - b",),
        "{name} wants {a} {thing} and has {b}, so {name} still needs {last} {thing}.",
    ),
    _Template(
        "groups",
        "There are {a} bags with {b} {thing} in each bag. How many {thing} are there in all?",
        ((2, 9), (2, 12)),
        ("a * b",),
        "There are {a} bags with {b} {thing} each, so there are {last} in all.",
    ),
    _Template(
        "share",
        "{name} shares {a} {thing} equally among {b} friends. "
        "How many {thing} does each friend get?",
        ((6, 60), (2, 6)),
        ("a / b",),
        "{name} shares {a} {thing} among {b} friends, so each friend gets {last} {thing}.",
    ),
    _Template(
        "gain_loss",
        "{name} collects {a} {thing} in the morning and {b} in the afternoon, then loses {c}. "
        "How many {thing} does {name} have in the end?",
        ((3, 15), (3, 15), (2, 10)),
        ("a + b", "r - c"),
        "{name} collects {first} and loses {c}, so {name} has {last} {thing}.",
    ),
    _Template(
        "buy",
        "{name} has {a} {thing} and buys {b} packs with {c} {thing} in each pack. "
        "How many {thing} does {name} have now?",
        ((2, 12), (2, 5), (2, 10)),
        ("b * c", "a + r"),
        "{name} buys {first} {thing}, so {name} has {last} {thing} now.",
    ),
    _Template(
        "give_from_packs",
        "{name} opens {a} packs of {b} {thing} each and gives {c} {thing} to {other}. "
        "How many {thing} does {name} keep?",
        ((2, 5), (3, 10), (2, 12)),
        ("a * b", "r - c"),
        "{name} opens {first} {thing} and gives {c}, so {name} keeps {last}.",
    ),
    _Template(
        "loss_loss",
        "{name} starts with {a} {thing}. {other} takes {b} of them and then {c} more. "
        "How many {thing} remain?",
        ((15, 40), (2, 12), (2, 12)),
        ("a - b", "r - c"),
        "{other} leaves {first} and takes {c} more, so {last} {thing} remain.",
    ),
    _Template(
        "fewer",
        "{name} has {a} {thing}. {other} has {b} fewer than {name}. "
        "How many {thing} does {other} have?",
        ((8, 25), (2, 15)),
        ("a - b",),
        only_test=True,
    ),
    _Template(
        "rows",
        "{name} lays {thing} in {a} rows, with {b} {thing} in every row. "
        "How many {thing} does {name} lay?",
        ((2, 9), (2, 12)),
        ("a * b",),
        only_test=True,
    ),
    _Template(
        "earn",
        "{name} earns {a} euros a day for {b} days and spends {c} euros on a book. "
        "How many euros are left?",
        ((3, 10), (2, 6), (4, 20)),
        ("a * b", "r - c"),
        only_test=True,
    ),
)


def problems(split: Split, n: int, seed: int) -> tuple[Problem, ...]:
    """Draw `n` different problems of a split, the same ones for the same arguments.

    The templates take turns, so each has its share of any set.

    Args:
        split: "train", "probe" (held out, templates as in train) or "test" (templates of its own
            beside the shared ones). No two splits share a template's numbers.
        n: how many; 1,000 are there in each split.
        seed: of the draw.

    Raises:
        ValueError: `n` is negative or above 1,000, or `split` unknown.
    """
    if split not in _SHARES or not 0 <= n <= MOST_PROBLEMS:
        raise ValueError(
            f"no {n} problems of split {split!r}: say train, probe or test, 0 to {MOST_PROBLEMS}"
        )
    rng = Random(f"arithmetic:{split}:{seed}")
    templates = [one for one in _TEMPLATES if split == "test" or not one.only_test]
    found: dict[str, Problem] = {}
    while len(found) < n:
        problem = _draw(rng, templates[len(found) % len(templates)], split, str(len(found)))
        found.setdefault(problem.question, problem)
    return tuple(found.values())


def _draw(rng: Random, template: _Template, split: Split, row: str) -> Problem:
    """One problem of this template whose numbers belong to this split."""
    while True:
        numbers = {
            letter: rng.randint(*span) for letter, span in zip("abc", template.ranges, strict=False)
        }
        steps = _solve(template, numbers)
        if steps and _split_of(template, numbers) == split:
            break
    name, other = rng.sample(_NAMES, 2)
    thing = rng.choice(_THINGS)
    words = {"name": name, "other": other, "thing": thing, **numbers}
    outline = template.told.format(first="{first}", last="{last}", **words)
    return Problem(row, template.name, template.text.format(**words), name, thing, steps, outline)


def _split_of(template: _Template, numbers: Mapping[str, int]) -> Split:
    if template.only_test:
        return "test"
    key = f"{template.name}:{sorted(numbers.items())}"
    return _SHARES[hashlib.sha256(key.encode()).digest()[0] % len(_SHARES)]


def _solve(template: _Template, numbers: Mapping[str, int]) -> tuple[Step, ...]:
    """The steps with their numbers, or nothing where a result is no positive integer."""
    known, steps = dict(numbers), []
    for text in template.steps:
        left, sign, right = text.split()
        step = Step(known[left], sign, known[right])
        if (sign == "/" and step.left % step.right) or step.result < 2:
            return ()
        known["r"] = step.result
        steps.append(step)
    return tuple(steps)
