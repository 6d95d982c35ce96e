"""`nca audit`: what a model would see, held against its own tokenizer, before anything is paid."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from eval_suites import registry
from eval_suites.requests import Message, Request
from harness.engines.options import EngineChoice
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.rendering import rendered
from harness.evaluate.loop.loop import run
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.audit.ids import find_faults
from harness.pipeline.audit.job import AuditJob, of_evaluation
from harness.pipeline.audit.preflight import audit, check
from harness.progress.events import silent
from harness.recipe.schema import DecodingChanges
from harness.storage.atomic_files import read_lines, write_json
from train.config import TrainConfig, TrainJob

ASK = Request(messages=(Message("user", "2+2?"),))
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HEADED = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
INSTRUCT = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% elif m.role == 'assistant' %} {{ m.content }}</s>"
    "{% else %}{{ raise_exception('only user and assistant') }}{% endif %}{% endfor %}"
)
#: Special tokens, BOS (which the tokenizer puts before plain text) and template of each family.
FAMILIES: Mapping[str, tuple[list[str], str | None, str]] = {
    "llama": (
        ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        "<|begin_of_text|>",
        HEADED,
    ),
    "mistral": (["<s>", "</s>", "[INST]", "[/INST]"], "<s>", INSTRUCT),
    "qwen": (["<|im_start|>", "<|im_end|>"], None, CHATML),
}
FRONTS = {
    "llama": ("<|begin_of_text|>", "<|start_header_id|>", "u"),
    "mistral": ("<s>", "[INST]", "Ġ"),
    "qwen": ("<|im_start|>", "u", "s"),
}


def make_tokenizer(family: str) -> Any:
    """A byte tokenizer with a family's special tokens, template, and habit about the BOS."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    special, bos, template = FAMILIES[family]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: index for index, token in enumerate(special + alphabet)}
    raw = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    if bos is not None:
        raw.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, vocab[bos])]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token=special[-1], additional_special_tokens=special
    )
    if bos is not None:
        tokenizer.bos_token = bos
    tokenizer.chat_template = template
    return tokenizer


def make_checkpoint(folder: Path, family: str, template: str | None = None) -> Path:
    """What an audit reads of a checkpoint: tokenizer, template and configuration."""
    tokenizer = make_tokenizer(family)
    tokenizer.chat_template = template or tokenizer.chat_template
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "llama", "max_position_embeddings": 4096}')
    return folder


def make_job(tmp_path: Path, folder: Path, **changes: Any) -> EvalJob:
    told: dict[str, Any] = {
        "models": {"one": str(folder)},
        "fingerprints": {"one": ""},
        "suites": {"arithmetic": 8},
        "engine": EngineChoice(name="fake"),
        "run": tmp_path,
        "journal": tmp_path / "journal.sqlite",
    }
    return EvalJob.model_validate({**told, **changes})


def doubling(tokenizer: Any, request: Request) -> Request:
    """Renders as a careless engine does: the template's text, and special tokens once more."""
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return replace(request, token_ids=tuple(tokenizer(text)["input_ids"]))


def losing(tokenizer: Any, request: Request) -> Request:
    """Renders without the first token."""
    return replace(request, token_ids=(rendered(tokenizer, request).token_ids or ())[1:])


@pytest.mark.parametrize("family", FAMILIES)
def test_golden_each_family_has_its_own_front_and_no_fault(family: str) -> None:
    tokenizer = make_tokenizer(family)
    ids = rendered(tokenizer, ASK).token_ids or ()
    assert tuple(tokenizer.convert_ids_to_tokens(ids[:3])) == FRONTS[family]
    assert find_faults(tokenizer, tokenizer, ASK) == ()


def test_golden_smollm2(smollm2: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    ids = rendered(tokenizer, ASK).token_ids or ()
    assert ids[:4] == (1, 9690, 198, 2683)
    assert ids[-4:] == (1, 520, 9531, 198)
    assert find_faults(tokenizer, tokenizer, ASK) == ()
    assert any(fault.failure for fault in find_faults(tokenizer, tokenizer, ASK, losing))


@pytest.mark.parametrize(
    ("family", "render", "said"),
    [
        ("llama", doubling, "one special token more at the front"),
        ("mistral", doubling, "one special token more at the front"),
        ("qwen", doubling, ""),  # it has no BOS to be doubled
        ("llama", losing, "one special token fewer at the front"),
        ("mistral", losing, "one special token fewer at the front"),
        ("qwen", losing, "one special token fewer at the front"),
    ],
)
def test_a_renderer_that_doubles_or_loses_the_bos_fails(
    family: str, render: Callable[[Any, Request], Request], said: str
) -> None:
    tokenizer = make_tokenizer(family)
    failures = [one.text for one in find_faults(tokenizer, tokenizer, ASK, render) if one.failure]
    assert len(failures) == bool(said)
    assert all(said in text for text in failures)


def test_a_prefix_of_the_answer_is_no_fault_and_another_token_is_a_warning() -> None:
    tokenizer = make_tokenizer("llama")
    opened = replace(ASK, prefix="The answer is")
    assert find_faults(tokenizer, tokenizer, opened) == ()

    def stammering(tokenizer: Any, request: Request) -> Request:
        ids = rendered(tokenizer, request).token_ids or ()
        return replace(request, token_ids=(*ids[:6], ids[5], *ids[6:]))

    (fault,) = find_faults(tokenizer, tokenizer, opened, stammering)
    assert not fault.failure
    assert (
        "differ from those made by its own tokenizer: first 'r' for '<|end_header_id|>'"
        in fault.text
    )


def test_habits_of_a_template_that_cost_points_are_warnings() -> None:
    tokenizer = make_tokenizer("llama")
    tokenizer.chat_template = "{{ bos_token }}" + HEADED
    (twice,) = find_faults(tokenizer, tokenizer, ASK)
    tokenizer.chat_template = HEADED.removeprefix("{{ bos_token }}")
    (never,) = find_faults(tokenizer, tokenizer, ASK)
    assert not twice.failure
    assert "begin <|begin_of_text|> <|begin_of_text|>" in twice.text
    assert not never.failure
    assert "the chat template does not write it" in never.text


def test_plain_text_is_held_against_plain_tokenisation() -> None:
    tokenizer = make_tokenizer("llama")
    plain = Request(text="Q: 2+2?\nA:")
    assert rendered(tokenizer, plain).token_ids[:1] == (tokenizer.bos_token_id,)  # type: ignore[index]
    assert find_faults(tokenizer, tokenizer, plain) == ()
    assert any(one.failure for one in find_faults(tokenizer, tokenizer, plain, losing))


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request(messages=(Message("system", "Be short."),)), "only user and assistant"),
        (Request(text=""), "no token"),
    ],
)
def test_what_cannot_be_rendered_is_a_failure(request_: Request, said: str) -> None:
    tokenizer = make_tokenizer("qwen" if request_.text is not None else "mistral")
    (fault,) = find_faults(tokenizer, tokenizer, request_)
    assert fault.failure
    assert said in fault.text


def test_lengths_and_room_are_those_of_the_prompts(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "qwen", "qwen")
    tokenizer = make_tokenizer("qwen")
    suite = registry.find("arithmetic")
    samples = list(suite.load(None))[:40]
    sizes = {s.id: len(rendered(tokenizer, suite.ask(s, ())[0]).token_ids or ()) for s in samples}
    least, most = min(sizes.values()), max(sizes.values())
    longest = (least + most) // 2
    job = AuditJob(
        evaluation=make_job(
            tmp_path,
            folder,
            suites={"arithmetic": 40},
            engine=EngineChoice(name="fake", max_model_len=longest),
            decoding=DecodingChanges(max_tokens=10),
            repeats=3,
        )
    )

    (reading,) = audit(job).suites[0].renderings

    assert reading.spread[::2] == (least, most)
    assert set(reading.overflow) == {name for name, size in sizes.items() if size >= longest}
    assert set(reading.cut) == {name for name, size in sizes.items() if 0 < longest - size < 10}
    assert reading.cut
    assert audit(job).completion == 40 * 10 * 3
    quick = audit(job, quick=True).suites[0].renderings[0]
    assert set(quick.overflow) == set(reading.overflow)
    told = [finding.text for finding in audit(job).findings]
    assert any(f"{len(reading.overflow)} of 40 samples fill all" in text for text in told)
    assert any(f"{len(reading.cut)} of 40 samples leave answers less room" in text for text in told)


def train_on(run: Path, base: Path, data: Path, family: str, template: str | None = None) -> Path:
    """A checkpoint in a run folder as training leaves it, by a job of these."""
    out = run / "train" / "nca"
    checkpoint = make_checkpoint(out / "checkpoint", family, template)
    config = TrainConfig(data=str(data))
    job = TrainJob(base=base, out=out, cache=run / "cache", config=config)
    write_json(out / "resolved.json", {"kind": "train", "job": job.model_dump(mode="json")})
    return checkpoint


def trained_rows(*prompts: str) -> list[object]:
    return [{"prompt": text, "responses": ["a", "b"], "rewards": [1, 0]} for text in prompts]


def question(place: int) -> str:
    """A question of the arithmetic suite without its instruction."""
    suite = registry.find("arithmetic")
    return suite.ask(suite.load(None)[place], ())[0].messages[0].content.splitlines()[0]


def test_a_checkpoint_asked_without_the_bos_of_its_training_is_refused_and_nothing_starts(
    tmp_path: Path,
    write_jsonl: Callable[[str, list[object]], Path],
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = make_checkpoint(tmp_path / "base", "llama")
    data = write_jsonl("train.jsonl", trained_rows("2+2?", "3+3?"))
    lost = HEADED.removeprefix("{{ bos_token }}")
    checkpoint = train_on(tmp_path / "run", base, data, "llama", lost)
    asked = ("--suites", "arithmetic", "--engine", "fake", "--limit", 2)

    audited = nca("audit", checkpoint, *asked, "--json", tmp_path / "audit.json")
    first = capsys.readouterr()
    evaluated = nca("eval", checkpoint, *asked, "--tracking", "none", "--runs", tmp_path / "runs")
    second = capsys.readouterr()

    assert (audited, evaluated) == (2, 2)
    for said in (first.err, second.err):
        assert "one special token fewer at the front" in said
        assert "put the tokenizer files and the chat template" in said
        assert "Traceback" not in said
        assert len(said.splitlines()) == 2
    assert not list(tmp_path.glob("runs/**/*.jsonl"))
    assert not (tmp_path / "runs" / "journal.sqlite").exists()
    written = json.loads((tmp_path / "audit.json").read_text())
    assert [one["failure"] for one in written["findings"]] == [True, False]


def test_another_template_with_the_same_front_is_a_warning_and_the_same_text_is_none(
    tmp_path: Path, write_jsonl: Callable[[str, list[object]], Path]
) -> None:
    base = make_checkpoint(tmp_path / "base", "llama")
    data = write_jsonl("train.jsonl", trained_rows("2+2?", "3+3?"))
    told = {}
    for name, template in {
        "another": HEADED.replace("assistant<", "bot<"),
        "written otherwise": HEADED.replace("{% endfor %}", "{#- no text -#}{% endfor %}"),
    }.items():
        checkpoint = train_on(tmp_path / name, base, data, "llama", template)
        found = audit(of_evaluation(make_job(tmp_path, checkpoint)))
        now, then = found.suites[0].renderings[0].reader.templates
        assert now != then
        told[name] = [(one.failure, one.text) for one in found.findings]
    text = "prompts differ from those made in training: first 'b' for 'a'"
    assert told["another"] == [(False, text)]
    assert told["written otherwise"] == []


def test_questions_that_are_trained_on_are_counted_and_named(
    tmp_path: Path, write_jsonl: Callable[[str, list[object]], Path]
) -> None:
    base = make_checkpoint(tmp_path / "base", "qwen")
    instruction = "Write one short calculation, then end with a sentence that gives the number."
    data = write_jsonl(
        "train.jsonl",
        trained_rows(
            f"What is 2 and 2?\n{instruction}", question(3), f"Please: {question(5)} Thanks."
        ),
    )
    checkpoint = train_on(tmp_path / "run", base, data, "qwen")
    notes: list[str] = []

    found = audit(of_evaluation(make_job(tmp_path, checkpoint)))
    check(
        of_evaluation(make_job(tmp_path, checkpoint)),
        SuiteLibrary(),
        lambda event: notes.append(event["text"]),
    )
    few = audit(of_evaluation(make_job(tmp_path, checkpoint, suites={"arithmetic": 4})))

    (one,) = found.training
    held = one.overlaps["arithmetic"]
    assert {name: (o.whole, o.source) for name, o in held.items() if o.known} == {
        "3": (True, "train.jsonl:2"),
        "5": (False, "train.jsonl:3"),
    }
    (finding,) = found.findings
    assert "hold 1 of 8 questions whole, 1 at least half" in finding.text
    assert notes == [f"{finding.where}: {finding.text}; {finding.remedy}"]
    assert set(few.training[0].overlaps["arithmetic"]) == {"3"}


def test_training_data_that_is_large_gone_or_broken_is_said_to_be_not_compared(
    tmp_path: Path, write_jsonl: Callable[[str, list[object]], Path]
) -> None:
    base = make_checkpoint(tmp_path / "base", "qwen")
    data = write_jsonl("train.jsonl", trained_rows(question(1)))
    checkpoint = train_on(tmp_path / "run", base, data, "qwen")
    with data.open("r+b") as file:
        file.truncate(65 * 2**20)  # sparse: only its size is looked at
    job = of_evaluation(make_job(tmp_path, checkpoint))

    large = audit(job, quick=True)
    data.unlink()
    gone = audit(job, quick=True)
    data.write_text("no JSON")
    broken = audit(job, quick=True)

    assert [one.text for one in large.findings] == [
        "train.jsonl was not compared with the questions: it has 65 MiB"
    ]
    assert gone.findings == broken.findings == ()
    assert "no such" in gone.training[0].reason
    assert "row 1" in broken.training[0].reason


RECIPE = """
name: small
base: {base}
train: {{data: train.jsonl, max_steps: 1}}
checkpoints: {{nca: {{method: nca}}}}
evaluate: {{suites: [arithmetic], limit: 2, engine: {{name: fake}}}}
"""


def test_a_recipe_is_audited_before_anything_is_trained_and_nothing_is_left(
    tmp_path: Path,
    write_jsonl: Callable[[str, list[object]], Path],
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = make_checkpoint(tmp_path / "base", "mistral")
    write_jsonl("train.jsonl", trained_rows(question(0), "x"))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.format(base=base))
    runs = tmp_path / "runs"

    code = nca("audit", recipe, "--runs", runs, "--tokens-per-second", 8)

    page = capsys.readouterr().out
    assert code == 0
    assert "base, nca (not trained yet: read as its base)" in page
    assert "2 of 200, 2 requests (chat)" in page
    assert "'<s>'  2 '[INST]'" in page
    assert "in training the same" in page
    assert "2 prompts hold 1 of 2 questions whole" in page
    assert f"at most {2 * 2 * 48} generated" in page
    assert "at most 24 s" in page
    assert not list(runs.glob("small-*"))


def test_the_time_is_by_what_a_run_of_this_machine_measured_and_the_run_is_named(
    tmp_path: Path, tiny_model: Path, nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "audit.json"
    asked = ("--suites", "arithmetic", "--engine", "fake", "--limit", 4, "--runs", tmp_path)

    def told() -> tuple[str, dict[str, Any]]:
        assert nca("audit", tiny_model, *asked, "--json", written) == 0
        return capsys.readouterr().out, json.loads(written.read_text())

    before, unknown = told()
    tally = run(make_job(tmp_path, tiny_model, run=tmp_path / "earlier"), silent)
    page, known = told()
    (line,) = read_lines(tmp_path / "earlier" / "eval" / "speed.jsonl")

    assert "not known: no run among --runs measured such a model" in before
    assert (unknown["most_seconds"], unknown["speeds"]) == (None, [])
    assert f"tokens a second (earlier, over {tally.tokens:,} tokens)\n" in page
    (speed,) = known["speeds"]
    assert speed == {"run": "earlier", "tokens": tally.tokens, "seconds": line["seconds"]}
    most = known["most_tokens"] * line["seconds"] / tally.tokens
    assert known["most_seconds"] == pytest.approx(most)


def test_the_longest_prompt_with_its_answer_may_be_given(
    tmp_path: Path,
    write_jsonl: Callable[[str, list[object]], Path],
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = make_checkpoint(tmp_path / "base", "qwen")
    write_jsonl("train.jsonl", trained_rows("x"))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.format(base=base))
    asked = ("--suites", "arithmetic", "--engine", "fake", "--limit", 2)

    pages = []
    for target in ((base, *asked), (recipe,)):
        assert nca("audit", *target, "--max-model-len", 77, "--runs", tmp_path / "runs") == 0
        pages.append(capsys.readouterr().out)
    where = ("--tracking", "none", "--runs", tmp_path / "runs")
    code = nca("eval", base, *asked, "--max-model-len", 77, *where)

    assert all("77 tokens for a prompt with its answer" in page for page in pages)
    assert code == 0
    (log,) = tmp_path.glob("runs/*/eval/base/arithmetic.jsonl")
    assert {line["status"] for line in read_lines(log)} == {"overflow"}
    assert "raise evaluate.engine.max_model_len (nca eval: --max-model-len)" in (
        capsys.readouterr().out
    )


def test_a_run_that_could_not_be_evaluated_is_not_trained(
    tmp_path: Path,
    write_jsonl: Callable[[str, list[object]], Path],
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    refusing = (
        "{% if 'calculation' in messages[0].content %}{{ raise_exception('no sums') }}{% endif %}"
    )
    base = make_checkpoint(tmp_path / "base", "qwen", refusing + CHATML)
    write_jsonl("train.jsonl", trained_rows("x", "y"))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.format(base=base))

    code = nca("run", recipe, "--runs", tmp_path / "runs", "--tracking", "none")

    assert code == 2
    assert "refuses messages of roles user: no sums" in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/small-*/train"))


def test_an_endpoint_renders_by_itself_and_that_is_said(
    nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert nca("audit", "served", "--suites", "arithmetic", "--engine", "openai") == 0
    assert "rendered by the endpoint: ids, template and lengths are not known" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.yaml",), "no such recipe"),
        (("recipe.yaml", "other.yaml"), "one recipe, or checkpoints with --suites"),
        (("recipe.yaml", "--set", "evaluate.suites=[]"), "evaluates nothing"),
        (("recipe.yaml", "--set", "evaluate.suites=[arithmetik]"), "did you mean arithmetic"),
        (("recipe.yaml", "--set", "base=some/thing"), "an audit fetches nothing"),
        (("recipe.yaml", "--set", "train.data=gone.jsonl"), "gone.jsonl"),
        (("recipe.yaml", "--limit", "many"), "--limit many"),
        (("base", "--suites", "gsm8k"), "--data-dir"),
        (("base", "base", "--suites", "arithmetic"), "write NAME=FOLDER"),
        (("empty", "--suites", "arithmetic"), "no checkpoint"),
        (("bare", "--suites", "arithmetic"), "no tokenizer there"),
    ],
)
def test_a_mistake_ends_with_exit_code_2_and_a_remedy(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    write_jsonl: Callable[[str, list[object]], Path],
    monkeypatch: pytest.MonkeyPatch,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("NCA_DATA_DIR", str(tmp_path))
    make_checkpoint(tmp_path / "base", "qwen")
    write_jsonl("train.jsonl", trained_rows("x"))
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(base="base"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text('{"model_type": "llama"}')

    code = nca("audit", *arguments)

    error = capsys.readouterr().err
    assert code == 2
    assert said in error
    assert "Traceback" not in error
