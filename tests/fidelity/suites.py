"""All suites that are held to their gold, by name."""

from collections.abc import Mapping

from .code_cases import CODE
from .held import Held
from .math_cases import MATH
from .typed_cases import TYPED
from .word_cases import WORD_PROBLEMS

HELD: Mapping[str, Held] = {one.suite: one for one in (*WORD_PROBLEMS, *MATH, *TYPED, *CODE)}
