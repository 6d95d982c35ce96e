"""The cases of MT-bench, which is judged: it has no gold (tests/fidelity/test_judged.py)."""

from eval_suites.judging.mt_bench import PROMPTS_FILE
from eval_suites.judging.prompts import Template, template
from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.suites.mt_bench import QUESTION_FILE, REFERENCE_FILE, Sample

from .cases import Aggregation, Scored, SuiteCases, json_lines

NAMES = ("single-v1", "single-math-v1", "pair-v2", "pair-math-v1")


def prompts() -> dict[str, Template]:
    """Templates of our own with upstream's names and fields."""
    plain = {
        "single-v1": "Q {question} A {answer}",
        "single-math-v1": "Q {question} R {ref_answer_1} A {answer}",
        "pair-v2": "Q {question} A {answer_a} B {answer_b}",
        "pair-math-v1": "Q {question} R {ref_answer_1} A {answer_a} B {answer_b}",
    }
    asked, shown = "{question_1} {question_2}", "R {ref_answer_1} {ref_answer_2}"
    single = "{question_1} {answer_1} {question_2} {answer_2}"
    pair = f"{asked} A {{answer_a_1}} {{answer_a_2}} B {{answer_b_1}} {{answer_b_2}}"
    both = {
        "single-v1": single,
        "single-math-v1": f"{shown} {single}",
        "pair-v2": pair,
        "pair-math-v1": f"{shown} {pair}",
    }
    texts = plain | {f"{name}-multi-turn": text for name, text in both.items()}
    fields = frozenset(
        f"{a}{b}"
        for a in ("question", "answer", "answer_a", "answer_b", "ref_answer")
        for b in ("", "_1", "_2")
    )
    return {
        name: template((Message("system", f"You judge {name}."), Message("user", text)), fields)
        for name, text in texts.items()
    }


WRITING = Sample(("Write.", "Shorter."), prompts(), id="81", category="writing")
MATHS = Sample(("1+1?", "Plus 1?"), prompts(), ("It is 2.", "It is 3."), id="111", category="math")
ANSWERS = (Answer(" Long text. "), Answer("Text."))
QUESTION = {"question_id": 81, "category": "writing", "turns": ["a", "b"]}
MATHS_QUESTION = {"question_id": 111, "category": "math", "turns": ["c", "d"]}
REFERENCE = {"question_id": 111, "choices": [{"index": 0, "turns": ["x", "y"]}]}
ALL = (*NAMES, *(f"{name}-multi-turn" for name in NAMES))
ROWS = [{"name": name, "system_prompt": "s", "prompt_template": "{question}"} for name in ALL]
TEMPLATE = template(
    (Message("system", "s"), Message("user", "{question}")), frozenset({"question"})
)
LOADED = dict.fromkeys(ALL, TEMPLATE)


def _rated(name: str, *replies: str) -> Scored:
    return Scored(name, WRITING, ANSWERS, (), tuple(map(Answer, replies)))


CASES = (
    SuiteCases(
        suites=("mt_bench",),
        sample=WRITING,
        prompt=Request(
            messages=(Message("user", "Write."),),
            decoding=Decoding(temperature=0.7, max_tokens=1024),
        ),
        files={
            QUESTION_FILE: json_lines(QUESTION, MATHS_QUESTION),
            REFERENCE_FILE: json_lines(REFERENCE),
            PROMPTS_FILE: json_lines(*ROWS),
        },
        samples=(
            Sample(("a", "b"), LOADED, id="81", category="writing"),
            Sample(("c", "d"), LOADED, ("x", "y"), id="111", category="math"),
        ),
        malformed=[
            *(
                (QUESTION_FILE, json_lines(QUESTION | changes), message)
                for changes, message in (
                    ({"turns": ["a"]}, "row 0: no list of two turns"),
                    ({"turns": ["a", 1]}, "row 0: a turn is no text"),
                    ({"category": None}, "'category' is missing or no text"),
                    ({"category": "math"}, "question 81 has no reference"),
                )
            ),
            (
                REFERENCE_FILE,
                json_lines({"question_id": 1}),
                "row 0: no list of two turns",
            ),
            (PROMPTS_FILE, json_lines(*ROWS[1:]), "no template is called 'single-v1'"),
        ],
        aggregations=(
            Aggregation(
                [
                    _rated("1", "[[8]]", "[[6]]"),  # 7; official 8, 6
                    _rated("2", "[[10]] is a lie. [[2]]", "[[4]]"),  # 3; official 10, 4
                    _rated("3", "[[5]]", "unread", "unread again"),  # missing; official 5
                    _rated("4", "unread", "[[9]]", "[[3]]"),  # 6; official 9
                ],
                {
                    "score": 16 / 3,
                    "writing/score": 16 / 3,
                    "turn_1": (8 + 2 + 3) / 3,
                    "turn_2": (6 + 4 + 9) / 3,
                    "official_turn_1": (8 + 10 + 5) / 3,
                    "official_turn_2": (6 + 4 + 9) / 3,
                    "official": (8 + 6 + 10 + 4 + 5 + 9) / 6,
                    "suspicious": 0,
                },
            ),
            Aggregation([_rated("1", "no", "no")], {"suspicious": 0}),
        ),
    ),
)
