"""Text in judged answers that speaks to the judge in place of the user.

An official judge prompt fixes its own wording, so an answer cannot be fenced off there; findings
are counted and shown instead. A finding is a reason to look, not a proof: an answer about
judging, or a Markdown link in brackets, may be found too.
"""

import re
from collections.abc import Iterable, Mapping

#: Name of a finding -> its pattern. Letters of either case count.
_PATTERNS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for name, pattern in {
        "rating": r"\[\[\s*(?:\d+(?:\.\d*)?|rating)\s*\]\]|\brating:\s*\[\d",
        "winner": r"\[\[\s*[ABC]\s*\]\]",
        "label": r"\boutput\s*\(\s*m\s*\)|model_identifier|best model identifier",
        "ranking": r"""['"]?\brank['"]?\s*:\s*['"]?[12]\b""",
        "end_of_answer": (
            r"\[\s*the (?:start|end) of (?:the )?(?:assistant|reference)"
            r"|<\|\s*the (?:start|end) of|^\s*###\s*(?:user|assistant|reference answer)\b"
        ),
        "chat_markup": r"<\|im_(?:start|end)\|>|<\|(?:system|user|assistant|endoftext)\|>",
        "instructions": (
            r"\b(?:ignore|disregard|forget|override)\b[^.!?\n]{0,40}?"
            r"\b(?:previous|prior|above|earlier|preceding|all)\b[^.!?\n]{0,40}?"
            r"\b(?:instructions?|prompts?|rules?|text|outputs?|answers?)\b"
        ),
        "to_the_judge": (
            r"\b(?:rate|score|grade|give|assign|award)\s+(?:me|this|my|the)\b"
            r"(?:\s+(?:assistant|answer|response|output|reply))?[^.!?\n]{0,40}?"
            r"\b(?:10|ten|highest|maximum|full marks|perfect score)\b"
        ),
    }.items()
}


def suspects(text: str) -> tuple[str, ...]:
    """Return the names of parts of an answer that may be meant for a judge; mostly none.

    `rating`, `winner`, `label` and `ranking` are verdicts in the forms that judges are asked for;
    `end_of_answer` and `chat_markup` pretend that the answer is over; `instructions` and
    `to_the_judge` tell the judge what to do.
    """
    return tuple(name for name, pattern in _PATTERNS.items() if pattern.search(text))


def suspicious(texts: Iterable[str]) -> float:
    """Return 1 where any of the texts of a sample holds such a part, else 0."""
    return float(any(suspects(text) for text in texts))
