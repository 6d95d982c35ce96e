"""`nca data sample`: sample one checkpoint into a file that training reads."""

from pathlib import Path

from pydantic import ValidationError

from harness.cli import parse
from harness.cli.output import Output
from harness.data.sampling import resolve
from harness.data.sampling.job import PROVENANCE, ROWS, SampleJob
from harness.engines.options import EngineChoice
from harness.errors import UserError
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.launch import Stage, StageRunner
from harness.pipeline.lookup import resolve_checkpoints
from harness.pipeline.places import Places
from harness.pipeline.stages import sample_stage
from harness.recipe.schema import SampleSection
from harness.storage.atomic_files import replacing, write_text
from harness.storage.hashing import digest


def section_of(**given: object) -> SampleSection:
    """Return the section that the options of the command stand for.

    Raises:
        UserError: an option has a value that it cannot have.
    """
    try:
        return SampleSection.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        names = (str(part).replace("_", "-") for part in first["loc"])
        where = "".join(f"{'-' if len(name) == 1 else '--'}{name}: " for name in names)
        raise UserError(f"{where}{first['msg']}") from None


def sample(
    checkpoint: str,
    section: SampleSection,
    engine: EngineChoice,
    where: Places,
    out: Path,
    *,
    unsafe: bool,
    output: Output,
) -> None:
    """Sample, score, and put rows with their provenance where they are wanted.

    The work is done in a folder below the runs, by a stage of its own: started again it goes on.

    Raises:
        UserError: an option is wrong, or a file that is no sample of ours would be lost.
        RunFailed: the stage failed; its answers are kept.
    """
    if out.suffix != ".jsonl":
        raise UserError(f"-o {out}: rows are JSON lines: name a file that ends in .jsonl")
    provenance = out.with_name(f"{out.stem}.{PROVENANCE}")
    if out.exists() and not provenance.is_file():
        raise UserError(
            f"-o {out}: is there and was not sampled by this command ({provenance.name} is not "
            "beside it): name another file, or remove it"
        )
    stage = _stage(checkpoint, section, engine, where, unsafe=unsafe)
    with output.screen as screen:
        StageRunner(screen, total=1).perform(stage)
    # The provenance first: rows without any would be taken for somebody else's file.
    write_text(provenance, (stage.folder / PROVENANCE).read_text(encoding="utf-8"))
    with (stage.folder / ROWS).open(encoding="utf-8", newline="") as rows, replacing(out) as file:
        file.writelines(rows)
    output.note(f"rows:       {out}")
    output.note(f"provenance: {provenance}")


def _stage(
    checkpoint: str, section: SampleSection, engine: EngineChoice, where: Places, *, unsafe: bool
) -> Stage:
    """Return the stage that samples a checkpoint into a folder below the runs."""
    roots = (Path(),) if where.data_dir is None else (Path(), where.data_dir)
    section = resolve.resolved(section, roots, where.models, where.near)
    library = SuiteLibrary(where.data_dir)
    resolve.check(section, library)
    named = parse.name_checkpoints([checkpoint])
    (name,) = named
    folders, prints = resolve_checkpoints(named, engine, where)
    prompts, scorer = resolve.identities(section, where.models, where.memo)
    job = SampleJob(
        section=section.model_copy(update={"checkpoint": name}),
        model=folders[name],
        fingerprint=prints[name],
        prompts=prompts,
        scorer=scorer,
        engine=engine,
        unsafe=unsafe,
        data_dir=where.data_dir,
        files=resolve.benchmark_files(section, library),
        out=where.runs.resolve(),
        journal=where.journal,
    )
    # The folder of an earlier version is named by a key with a path in it.
    old, new = (job.out / f"sample-{digest([key, name], 8)}" for key in (job.old_key, job.key))
    folder = old if old.is_dir() else new
    return sample_stage(job.model_copy(update={"out": folder}), f"sample {name}")
