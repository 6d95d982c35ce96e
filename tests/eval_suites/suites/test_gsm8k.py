"""GSM8K: what is asked, and what verdict an answer gets."""

from pathlib import Path

from eval_suites.registry import find


def test_the_eight_examples_come_before_the_question(data_dir: Path) -> None:
    suite = find("gsm8k:cot8")
    sample = suite.load(data_dir)[0]
    (request,) = suite.ask(sample, ())
    assert request.text is not None
    blocks = request.text.split("\n\n")
    assert len(blocks) == 9
    assert all(block.startswith("Q: ") and "\nA: " in block for block in blocks[:8])
    assert all("The answer is" in block for block in blocks[:8])
    assert blocks[8] == f"Q: {sample.question}\nA:"


def test_the_real_file_has_all_problems(data_dir: Path) -> None:
    samples = find("gsm8k").load(data_dir)
    assert [one.id for one in samples] == [str(row) for row in range(1319)]
    assert (samples[0].gold, samples[2].gold) == ("18", "70000")
