"""The source of a test that compares a program with a reference solution.

The rules of comparison are those of evalplus 0.3.1 (`eval/__init__.py`), but for one: there a
tolerance that a float result brings stays for the inputs behind it; here every input has its own.
The source is part of journal keys.
"""

_TESTER = """
import copy, json, math

def _is_floats(value):
    return type(value) is float or (
        type(value) in (list, tuple) and all(type(one) is float for one in value)
    )

def _close(found, expected, allowed):
    if type(expected) in (list, tuple):
        pairs = zip(found, expected)
        return len(found) == len(expected) and all(_close(*pair, allowed) for pair in pairs)
    if found == expected:
        return True
    return abs(found - expected) <= allowed + 1e-07 * abs(expected)

def _right(found, expected, arguments):
    if ENTRY == "find_zero":
        value = sum(factor * math.pow(found, power) for power, factor in enumerate(*arguments))
        return abs(value) <= ALLOWED
    allowed = ALLOWED or (1e-06 if _is_floats(expected) else 0)
    if found == expected or not allowed:
        return found == expected
    return type(found) is type(expected) and _close(found, expected, allowed)

def check(candidate):
    for number, arguments in enumerate(INPUTS):
        expected = REFERENCE(*copy.deepcopy(arguments))
        found = candidate(*copy.deepcopy(arguments))
        assert _right(found, expected, arguments), f"{KIND} input {number}"
"""


def tester(reference: str, entry_point: str, kind: str, inputs: str, tolerance: float) -> str:
    """Return the source of a test that defines `check(candidate)`.

    Args:
        reference: source that defines the entry point, and answers every input rightly.
        entry_point: name of the function.
        kind: the name of the inputs where one fails (`base input 3`).
        inputs: JSON text of a list of lists of arguments.
        tolerance: of numbers; 0 is 1e-6 where a result is a float, else nothing.
    """
    constants = {"ENTRY": entry_point, "ALLOWED": tolerance, "KIND": kind}
    lines = "".join(f"{name} = {value!r}\n" for name, value in constants.items())
    solution = f"{reference}\nREFERENCE = {entry_point}\n"
    return f"{solution}{_TESTER}{lines}INPUTS = json.loads({inputs!r})\n"
