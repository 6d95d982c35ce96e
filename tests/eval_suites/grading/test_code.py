"""The program is taken out of an answer whole, and runs as the answer meant it."""

import pytest

from eval_suites.grading.code import definitions, fenced, program

PROMPT = 'from typing import List\n\n\ndef add(x: int, y: int) -> int:\n    """Add."""\n'
HEADER = "from typing import List\n\n\n\n"
RIGHT = "def add(x, y):\n    return x + y"
DOCSTRING = (
    'def add(x, y):\n    """Add.\n\n    {}\n    >>> add(2, 3)\n    ```\n    """\n    return x + y'
)


@pytest.mark.parametrize("fence", ["```", "```python"])
def test_a_fence_inside_a_docstring_is_a_part_of_it(fence: str) -> None:
    source = DOCSTRING.format(fence)
    assert fenced(f"So:\n```python\n{source}\n```\nDone.") == [(source, True)]
    assert program(PROMPT, "add", f"```python\n{source}\n```") == f"{HEADER}{source}\n"


def test_a_string_that_never_ends_hides_no_fence() -> None:
    assert fenced('```python\nx = """\n```\nand\n```\ny = 1\n```') == [
        ('x = """', True),
        ("y = 1", True),
    ]


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        (f"```python\ndef add(x, y):\n    return 0\n```\nNo:\n```python\n{RIGHT}\n```", RIGHT),
        (f"```python\n{RIGHT}\n```\nand again\n```python\ndef add(x, y):\n    ret", RIGHT),
        (
            f"```python\n{RIGHT}\n```\nUse it:\n```python\nfrom mine import add\nadd(1, 2)\n```",
            RIGHT,
        ),
        (
            f"<think>\n```python\ndef add(x, y):\n    return 0\n```\n</think>\n```\n{RIGHT}\n```",
            RIGHT,
        ),
        ("```python\nadd = lambda x, y: x + y\n```", "add = lambda x, y: x + y"),
        ("```python\nfrom operator import add\n```", "from operator import add"),
        ("```python\nimport operator as add\n```", "import operator as add"),
        ("```python\nclass add:\n    pass\n```", "class add:\n    pass"),
    ],
)
def test_the_last_complete_block_that_binds_the_name_counts(answer: str, source: str) -> None:
    assert program(PROMPT, "add", answer) == f"{HEADER}{source}\n"


def test_a_future_import_comes_first() -> None:
    answer = f"```python\nfrom __future__ import annotations\n\n{RIGHT}\n```"
    assert program(PROMPT, "add", answer).startswith("from __future__ import annotations\n")


def test_calls_that_fill_a_table_stay_and_examples_of_use_go() -> None:
    table = "TABLE = []\nTABLE.append(0)\n\ndef fill():\n    TABLE.append(1)\n\nfill()\n\n"
    examples = "\n\nprint(add(1, 2))\nfill()\nassert add(1, 2) == 3\nadd(1, 2)"
    assert definitions(f"Here it is.\n\n{table}{RIGHT}{examples}", "add") == f"{table}{RIGHT}\n"
