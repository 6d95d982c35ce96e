"""From a section as written to one that this machine can do: files found, the scorer chosen."""

from collections.abc import Sequence
from pathlib import Path

from eval_suites import registry
from eval_suites.judging.mt_bench import load_prompts
from harness.data.sampling.prompts import is_suite, prompts_of, verifier
from harness.engines import checkpoints
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make
from harness.errors import RecipeError, UserError
from harness.evaluate.suites.library import SuiteLibrary, load_with_digests
from harness.recipe.judge_options import JudgeOptions
from harness.recipe.schema import JudgeChoice, Recipe, SampleSection
from train.data import sources


def resolved(
    section: SampleSection, roots: Sequence[Path], models_home: Path, near: Sequence[Path]
) -> SampleSection:
    """Return the section with its files found and its scorer named.

    Args:
        section: as written.
        roots: folders that a file of prompts may be relative to.
        models_home: where fetched models are kept.
        near: folders that a reward model may be relative to, besides the current one.

    Raises:
        UserError: prompts or reward model are in no such place, or nobody is named to score.
    """
    if section.reward_model is not None:
        from harness.data.sampling.reward_model import refuse_unfit

        folder = checkpoints.resolve(section.reward_model, models_home, near)
        refuse_unfit(folder)
        section = section.model_copy(update={"reward_model": str(folder)})
    if section.judge is not None:
        choice = judge_choice(section)
        if not choice.remote:
            model = checkpoints.resolve(choice.model, models_home, near)
            section = section.model_copy(update={"judge": f"{choice.name}:{model}"})
    if is_suite(section.prompts):
        own = {"verifier": section.prompts}
        return section.model_copy(update=own) if section.unscored else section
    file = _file(section.prompts, roots)
    if section.unscored:
        raise UserError(
            f"{section.prompts}: a file of prompts does not say who scores the responses: name a "
            "verifier (a suite), a reward model or a judge"
        )
    return section.model_copy(update={"prompts": file})


def judge_choice(section: SampleSection) -> JudgeChoice:
    """Return the judge of a section that names one, or raise RecipeError."""
    choice = JudgeOptions(section.judge, section.judge_url).choice()
    if choice is None:
        raise RecipeError("judge: name one, such as openai:MODEL")
    return choice


def _file(name: str, roots: Sequence[Path]) -> str:
    for root in roots:
        if (root / name).exists():
            return str((root / name).resolve())
    if not Path(name).suffix:
        registry.find(name)  # more likely a suite misspelt: its error names the nearest
    raise UserError(
        f"{name}: neither a suite (`nca suites`) nor a file of prompts in "
        f"{', '.join(str(root) for root in roots)}"
    )


def identities(section: SampleSection, folder: Path, memo: Path) -> tuple[str, str]:
    """Return the identities of the prompts and the scorer of a resolved section.

    Args:
        section: of `resolved`.
        folder: of fetched models, where the base of an adapter may lie.
        memo: hashes of weights already taken.
    """
    from train.model.files import fingerprint

    prompts = section.prompts
    prompts = _suite(prompts) if is_suite(prompts) else sources.fingerprint(prompts)
    if section.reward_model is not None:
        return prompts, f"reward model {fingerprint(Path(section.reward_model), memo)}"
    if section.judge is None:
        return prompts, _suite(str(section.verifier))
    choice = judge_choice(section)
    if choice.remote:
        return prompts, f"judge {choice.base_url} {choice.model}"
    return prompts, f"judge {checkpoints.fingerprint_of_folder(Path(choice.model), folder, memo)}"


def _suite(name: str) -> str:
    return f"suite {name} {registry.find(name).version}"


def benchmark_files(section: SampleSection, suites: SuiteLibrary) -> dict[str, str]:
    """Return the SHA-256 of each benchmark file that prompts and scorer of a section read.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
    """
    files: dict[str, str] = {}
    for name in (section.prompts, section.verifier):
        if name is not None and is_suite(name):
            files |= suites.files(name)
    if section.judge is not None:
        files |= load_with_digests(load_prompts, suites.data_dir)[1]
    return files


def check(section: SampleSection, library: SuiteLibrary) -> None:
    """Fail now on what sampling will need, not after the training before it.

    Raises:
        UserError, eval_suites.DataError, train.DataError: as `prompts_of` and `verifier`.
    """
    if section.verifier is not None:
        verifier(section.verifier)
    if section.judge is not None:
        load_prompts(library.data_dir)
    prompts_of(section, library)


def check_samples(recipe: Recipe, library: SuiteLibrary) -> None:
    """Check, as `check` does, all that a recipe samples.

    Raises:
        RecipeError: its engine is an endpoint, which does not serve the recipe's checkpoints.
        EngineUnavailable: this machine lacks what the engine needs.
    """
    engine = recipe.evaluate.engine
    for name, section in recipe.sample.items():
        if engine.remote:
            raise RecipeError(
                f"sample.{name}: an endpoint does not serve the checkpoints of a recipe: choose a "
                "local engine (evaluate.engine.name: vllm or transformers)"
            )
        check(section, library)
    if recipe.sample:
        make(EngineSpec(EngineChoice(name=engine.name)))
