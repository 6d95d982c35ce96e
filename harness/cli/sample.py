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
from harness.pipeline.lookup import resolve_checkpoints
from harness.pipeline.places import Places
from harness.pipeline.runner import StageRunner
from harness.pipeline.stages import sample_stage
from harness.recipe.sampling import SampleSection
from harness.storage.atomic_files import replacing, write_text
from harness.storage.hashing import digest

_KIND = ".jsonl"


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
    refuse_other(out)
    section = resolve.resolved(section, (Path(), *data_roots(where)), where.models, where.near)
    resolve.check(section, where.data_dir)
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
        files=resolve.benchmark_files(section, SuiteLibrary(where.data_dir)),
        out=where.runs.resolve(),
        journal=where.journal,
    )
    # The folder of an earlier version is named by a key with a path in it.
    keys = (job.old_key, job.key)
    old, new = (job.out / f"sample-{digest([key, name], 8)}" for key in keys)
    folder = old if old.is_dir() else new
    stage = sample_stage(job.model_copy(update={"out": folder}), f"sample {name}")
    with output.screen as screen:
        StageRunner(screen, total=1).perform(stage)
    deliver(folder, out)
    output.note(f"rows:       {out}")
    output.note(f"provenance: {beside(out)}")


def data_roots(where: Places) -> tuple[Path, ...]:
    """Return the data folder, where there is one: files of prompts may lie there."""
    return () if where.data_dir is None else (where.data_dir,)


def beside(out: Path) -> Path:
    """Return the file that holds the provenance of a file of rows."""
    return out.with_name(f"{out.stem}.{PROVENANCE}")


def refuse_other(out: Path) -> None:
    """Refuse to write over what is no sample of ours.

    Raises:
        UserError: it is there without provenance, or its name is not one of rows.
    """
    if out.suffix != _KIND:
        raise UserError(f"-o {out}: rows are JSON lines: name a file that ends in {_KIND}")
    if out.exists() and not beside(out).is_file():
        raise UserError(
            f"-o {out}: is there and was not sampled by this command ({beside(out).name} is not "
            "beside it): name another file, or remove it"
        )


def deliver(folder: Path, out: Path) -> None:
    """Copy rows and provenance of a finished stage; each appears whole or not at all."""
    # The provenance first: rows without any would be taken for somebody else's file.
    write_text(beside(out), (folder / PROVENANCE).read_text(encoding="utf-8"))
    with (folder / ROWS).open(encoding="utf-8", newline="") as rows, replacing(out) as file:
        for line in rows:
            file.write(line)
