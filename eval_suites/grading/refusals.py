"""Responses that say that a problem cannot be answered because something is not given.

Text rules. A response counts that says that a quantity cannot be determined, is unknown or not
given, or that information is missing; not one that declines to help without such a reason, or that
guesses ("it is not given, so assume 10"). Limits: only English, only these turns of phrase.
"""

import re

from eval_suites.grading.declarations import declared_text, last_box
from eval_suites.grading.numbers import numbers
from eval_suites.grading.quantities import declared_quantity

_FIND = r"(?:determine|calculate|compute|figure\s+out|solve|know|tell|work\s+out)"
_FOUND = (
    r"(?:determined|calculated|computed|figured\s+out|solved|known|found|answered|worked\s+out)"
)
_GIVEN = r"(?:given|provided|stated|specified|mentioned|known|told|defined|indicated|clear)"
_GIVE = r"(?:give|provide|state|specify|mention|say|tell|include|indicate)"
_DATA = r"(?:information|info|data|details?|context|premises?)"
_QUANTITY = r"(?:number|amount|quantity|price|cost|value|rate|speed|weight|age|length|figure)"
_IS = r"(?:is|are|was|were|has\s+been|have\s+been|be|remains?|remain)"
_PHRASES = re.compile(
    "|".join(
        (
            rf"\b(?:can(?:not|n't|\s+not|'t)|could(?:\s+not|n't))\s+(?:\w+\s+)?be\s+(?:\w+\s+)?{_FOUND}\b",
            rf"\b(?:we|i|one|you)\s+(?:\w+\s+)?(?:can(?:not|\s+not|'t)|could(?:\s+not|n't))\s+(?:\w+\s+)?{_FIND}\b",
            rf"\b(?:impossible|not\s+possible|no\s+way)\s+(?:for\s+\w+\s+)?to\s+(?:\w+\s+)?(?:{_FIND}|find|answer|say)\b",
            rf"\b(?:unable|not\s+able)\s+to\s+(?:\w+\s+)?(?:{_FIND}|find)\b",
            r"\b(?:we|i)\s+(?:do\s+not|don't)\s+(?:\w+\s+)?know\b",
            r"\b(?:we|i)(?:\s+are|'re|\s+am|'m)\s+(?:unaware|not\s+(?:aware|told|given))\b",
            rf"(?:n't|\b(?:not|no|without|lacks?|lacking|missing|insufficient|incomplete|inadequate))\s+(?:\w+\s+){{0,4}}{_DATA}\b",
            rf"\b{_DATA}\b[^.!?\n]{{0,60}}\b(?:missing|insufficient|incomplete|lacking|not\s+(?:\w+\s+)?(?:{_GIVEN}|enough|sufficient|available))\b",
            rf"\b{_QUANTITY}\b[^.!?\n\d]{{0,40}}\b(?:is|are)\s+missing\b",
            r"\bneeds?\s+to\s+know\b",
            rf"\b(?:need|needs|needed|require[sd]?)\s+(?:\w+\s+){{0,2}}(?:more|additional|further)\s+{_DATA}\b",
            rf"\b(?:more|additional|further)\s+{_DATA}\s+(?:is|are|would\s+be)\s+(?:needed|required|necessary)\b",
            rf"\b{_IS}\s+(?:also\s+|still\s+)?(?:unknown|unspecified|undetermined|indeterminate|unclear|unstated)\b",
            rf"\b(?:{_IS}\s+not|isn't|aren't|wasn't|weren't)\s+(?:\w+\s+)?{_GIVEN}\b",
            rf"\b(?:does|do|did)(?:\s+not|n't)\s+(?:\w+\s+)?{_GIVE}\b",
        )
    )
)
#: Words that are a refusal only where nothing else is declared.
_WORDS = re.compile(
    r"(?:none|unknown|undetermined|indeterminate|n/a|unanswerable|impossible"
    r"|(?:not|un)\s?(?:solvable|determinable|answerable)|insufficient(?:\s+\w+)?|no\s+answer)"
)
_GUESS = re.compile(r"\b(?:assum\w+|suppos\w+|let's\s+say|if\s+we\s+(?:take|say)|estimate\w*)\b")
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
#: The number of sentences from the end that are read: a reason often follows the conclusion.
_LAST = 3


def says_unanswerable(text: str) -> bool:
    """Return True where the response ends by saying that the problem cannot be answered.

    It says so in what it declares (`declared`), or in one of its last three sentences. A declared
    number is an answer, and so is a number in a sentence behind the one that says it.
    """
    if declared_quantity(text) is not None or numbers(last_box(text) or ""):
        return False
    declaration = _plain(declared_text(text) or "")
    is_refusal = _WORDS.fullmatch(declaration.strip(" .!$()[]")) or _PHRASES.search(declaration)
    return bool(is_refusal) or _ends_in_refusal(text)


def finds_unanswerable(text: str) -> bool:
    """Return True where the response says so anywhere, whatever else it says."""
    return bool(_PHRASES.search(_plain(text)))


def _ends_in_refusal(text: str) -> bool:
    sentences = [part for part in _SENTENCES.split(_plain(text)) if any(map(str.isalnum, part))]
    for sentence in reversed(sentences[-_LAST:]):
        if _PHRASES.search(sentence):
            return not (_GUESS.search(sentence) and numbers(sentence))
        if numbers(sentence):
            return False
    return False


def _plain(text: str) -> str:
    r"""Return the text in lower case, with straight apostrophes and without LaTeX around words."""
    text = text.lower().replace("\u2019", "'").replace("\u02bc", "'")
    text = re.sub(r"\\(?:text|mathrm|textbf|mbox|boxed)\s*\{|[{}*_]|\\[ ,;!()\[\]]", " ", text)
    return re.sub(r"[ \t]+", " ", text)
