"""Write the demo's constructed reward data: `python scripts/make_demo_data.py [FOLDER]`.

Own problems, own responses, rewards from the verifier; the same bytes every time. 96 prompts to
train on, 32 held out to watch the likelihoods; no prompt of the `arithmetic` suite is among them.
"""

import argparse
import json
from pathlib import Path

from arithmetic_responses import responses, reward

from eval_suites.suites.arithmetic import Split, problems, prompt

FOLDER = Path(__file__).resolve().parent.parent / "recipes" / "data"
SEED = 0
MOST_TOKENS = 48
SETS: tuple[tuple[str, Split, int], ...] = (
    ("arithmetic-train.jsonl", "train", 96),
    ("arithmetic-probe.jsonl", "probe", 32),
)


def lines(split: Split, count: int) -> str:
    """The file's text: one row a prompt in the plain reward format, K = 4."""
    rows = []
    for problem in problems(split, count, SEED):
        texts = responses(problem, SEED)
        row = {
            "messages": [{"role": "user", "content": prompt(problem)}],
            "responses": list(texts),
            "rewards": [reward(problem, text) for text in texts],
        }
        rows.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(rows)


def write(path: Path, text: str) -> None:
    """Write a file under another name and rename it, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def longest(text: str, model: str) -> int:
    """Tokens of the longest response in a file's text, as the tokenizer of `model` counts them."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = map(json.loads, text.splitlines())
    return max(len(tokenizer(one).input_ids) for row in rows for one in row["responses"])


def main() -> None:
    """Write both files into the folder given, else recipes/data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--model", help="a checkpoint folder: refuse responses too long for it")
    arguments = parser.parse_args()
    for name, split, count in SETS:
        text = lines(split, count)
        if arguments.model and (tokens := longest(text, arguments.model)) > MOST_TOKENS:
            raise SystemExit(f"{name}: a response has {tokens} tokens, more than {MOST_TOKENS}")
        write(arguments.folder / name, text)


if __name__ == "__main__":
    main()
