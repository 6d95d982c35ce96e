"""Questions among training prompts: found without their frame, and the frame alone is nothing."""

import pytest

from harness.pipeline.audit.overlap import Prompt, extract_questions, find_overlaps, without_frame

FRAME = "Think about the following task for a while, step by step, and then write the answer below."
LONG = (
    "A farmer has {n} hens and each hen lays three brown eggs in a week while the neighbour's "
    "geese eat one of them, so how many eggs are left for the market?"
)
ASKED = [
    LONG.format(n=7),
    "How many legs do nine spiders and two beetles have together?",
    "Name the largest of the three: 12, 7, 31.",
    "Is it true that the moon is made of cheese and the sun of butter?",
    "What colour has the white horse that my uncle bought in Spain last year?",
]


def asked(*texts: str, frame: str = "{}\n\n" + FRAME) -> list[Prompt]:
    return [(str(n), frame.format(text)) for n, text in enumerate(texts)]


def found(*trained: str, frame: str = "{}\n\n" + FRAME) -> dict[str, tuple[bool, bool]]:
    """Sample id -> whether it is known, and whole."""
    prompts = [(f"train.jsonl:{n}", text) for n, text in enumerate(trained, start=1)]
    result = find_overlaps(extract_questions(asked(*ASKED, frame=frame)), prompts)
    return {name: (one.known, one.whole) for name, one in result.items()}


@pytest.mark.parametrize(
    "frame",
    ["{}", "{}\n\n" + FRAME, FRAME + "\n\nQ: {}\nA:", "Task: {}", FRAME + " {} " + FRAME],
)
def test_a_question_is_found_whole_whatever_stands_around_it(frame: str) -> None:
    everything = {str(n): (True, True) for n in range(len(ASKED))}
    assert found(*ASKED, frame=frame) == everything
    assert found(*(text.upper().replace(" ", "\n ") for text in ASKED), frame=frame) == everything


def test_a_prompt_that_is_trained_on_frame_and_all_is_whole() -> None:
    assert found(f"{ASKED[2]}\n\n{FRAME}") == {"2": (True, True)}


def test_the_frame_alone_overlaps_with_nothing() -> None:
    assert found(FRAME, f"Count to ten. {FRAME}", f"{FRAME} Q: what else? {FRAME}") == {}


def test_a_frame_in_the_midst_of_the_prompts_overlaps_with_nothing() -> None:
    texts = [f"{first} {FRAME} {last}" for first, last in zip(ASKED, ASKED[::-1], strict=True)]
    assert find_overlaps(extract_questions(asked(*texts, frame="{}")), [("t:1", FRAME)]) == {}


def test_most_of_a_question_inside_another_text_is_known_and_a_turn_of_phrase_is_not() -> None:
    inside = f"Answer briefly, please: {LONG.format(n=7)} Thank you."
    other = LONG.format(n=7).replace("eggs in a week", "stones in a row")
    assert found(inside) == {"0": (True, False)}
    assert found(other) == {"0": (False, False)}
    assert found(" ".join(LONG.split()[:12])) == {}


def test_a_question_of_8_to_12_words_is_one_run_and_a_shorter_one_only_whole() -> None:
    assert found(f"Tell me: {ASKED[1]} I wonder.") == {"1": (True, False)}
    assert found(f"Tell me: {ASKED[2].replace('31', '32')}") == {}
    short = extract_questions([("a", "Who is it?"), ("b", "Where am I?")])
    assert find_overlaps(short, [("t:1", "Tell me: Who is it?")]) == {}
    assert find_overlaps(short, [("t:2", "who is  IT?")])["a"].source == "t:2"


def test_it_says_where_and_how_much() -> None:
    words = [f"w{n}" for n in range(20)]
    ask = [("7", " ".join(words)), ("8", "something else")]
    prompts = [("train.jsonl:1", "nothing"), ("train.jsonl:2", ", ".join(words[:16]))]
    (one,) = find_overlaps(extract_questions(ask), prompts).values()
    assert (one.name, one.source, one.whole) == ("7", "train.jsonl:2", False)
    assert one.share == 4 / 8
    assert one.words in {" ".join(words[n : n + 13]) for n in range(4)}


def test_one_alone_has_no_frame_and_all_alike_are_kept() -> None:
    assert without_frame([[1, 2, 3]]) == [[1, 2, 3]]
    assert without_frame([[1, 2], [1, 2]]) == [[1, 2], [1, 2]]
    assert without_frame([[0, 1, 9], [0, 2, 2, 9]]) == [[1], [2, 2]]
    assert without_frame([[0, 9], [0, 5, 9]]) == [[0, 9], [5]]
    assert without_frame([[7, 7], [7, 7, 7]]) == [[7, 7], [7]]
