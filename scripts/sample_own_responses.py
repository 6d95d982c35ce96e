"""Draw the model's own scored responses: `python scripts/sample_own_responses.py --model FOLDER`.

What was done for the files in recipes/data: SmolLM2-135M-Instruct, fp32, prompts of the arithmetic
generator (its one-step templates, the ones that this model gets right now and then; splits "train"
and "probe", a seed of their own), 8 samples a prompt at temperature 0.7, at most 32 new tokens.
Training ends every response with the end token, so samples that were cut are thrown away, never
shown as finished. The verifier grades the rest. A prompt is kept when four finished samples with
four different rewards are there, at least one right and one wrong; the best and the worst are among
the four, the two between are drawn. So the files hold the model's own texts, but not a fair sample
of them: they show more right answers than the model gives. The train file was put together from
three runs over different problems (--skip 0, 200 and 400): their first 22, 22 and 20 rows.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import torch
from arithmetic_responses import ANSWER, reward
from transformers import AutoModelForCausalLM, AutoTokenizer

from eval_suites.suites.arithmetic import Problem, Split, problems, prompt

FOLDER = Path(__file__).resolve().parent.parent / "recipes" / "data"
SEED = 7
SAMPLES = 8
TEMPERATURE = 0.7
MOST_TOKENS = 32
PROMPTS_AT_ONCE = 16
SETS: tuple[tuple[str, Split, int], ...] = (
    ("own-samples-probe.jsonl", "probe", 32),
    ("own-samples-train.jsonl", "train", 64),
)


class Sampler:
    """A checkpoint that continues prompts; finished samples only."""

    def __init__(self, folder: str) -> None:
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.inference_mode()
    def finished(self, prompts: list[str]) -> list[list[str]]:
        """For each prompt the samples that ended by themselves, different ones only."""
        rendered = [
            self._tokenizer.apply_chat_template(
                [{"role": "user", "content": one}], tokenize=False, add_generation_prompt=True
            )
            for one in prompts
        ]
        batch = self._tokenizer(
            rendered, return_tensors="pt", padding=True, add_special_tokens=False
        )
        made = self._model.generate(
            **batch,
            do_sample=True,
            temperature=TEMPERATURE,
            top_k=0,
            max_new_tokens=MOST_TOKENS,
            num_return_sequences=SAMPLES,
            pad_token_id=self._tokenizer.pad_token_id,
        )[:, batch.input_ids.shape[1] :]
        end = self._tokenizer.eos_token_id
        texts = [self._text(row) if end in row else "" for row in made]
        groups = [texts[at : at + SAMPLES] for at in range(0, len(texts), SAMPLES)]
        return [[one for one in dict.fromkeys(group) if one] for group in groups]

    def _text(self, row: torch.Tensor) -> str:
        return str(self._tokenizer.decode(row, skip_special_tokens=True)).strip()


def chosen(problem: Problem, texts: list[str], rng: Random) -> dict[str, Any] | None:
    """A row of four texts with four different rewards, right and wrong ones; None without them."""
    by_reward = {reward(problem, text): text for text in texts}
    ranked = sorted(by_reward, reverse=True)
    if len(ranked) < 4 or ranked[0] < ANSWER or ranked[-1] >= ANSWER:
        return None
    kept = [ranked[0], *rng.sample(ranked[1:-1], 2), ranked[-1]]
    rng.shuffle(kept)
    return {
        "messages": [{"role": "user", "content": prompt(problem)}],
        "responses": [by_reward[one] for one in kept],
        "rewards": kept,
    }


def rows(sampler: Sampler, split: Split, skip: int) -> Iterator[dict[str, Any]]:
    """Rows of a split for as long as its problems last, the first `skip` of them passed over."""
    rng = Random(SEED)
    torch.manual_seed(SEED + skip)
    drawn = [one for one in problems(split, 1000, SEED) if len(one.steps) == 1]
    for start in range(skip, len(drawn), PROMPTS_AT_ONCE):
        some = drawn[start : start + PROMPTS_AT_ONCE]
        for problem, texts in zip(
            some, sampler.finished([prompt(one) for one in some]), strict=True
        ):
            row = chosen(problem, texts, rng)
            if row:
                yield row


def main() -> None:
    """Write both files, each under another name first."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True, help="a checkpoint folder with a chat template")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files go")
    parser.add_argument("--skip", type=int, default=0, help="problems to pass over (several runs)")
    arguments = parser.parse_args()
    sampler = Sampler(arguments.model)
    for name, split, count in SETS:
        partial = arguments.folder / f"{name}.partial"
        with partial.open("w", encoding="utf-8") as file:
            for _, row in zip(range(count), rows(sampler, split, arguments.skip), strict=False):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()
        partial.replace(arguments.folder / name)


if __name__ == "__main__":
    main()
