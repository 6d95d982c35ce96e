"""What a sampling stage is told."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.recipe.sampling import SampleSection
from harness.recipe.schema import EngineChoice
from harness.storage.run_folder import digest

ROWS = "rows.jsonl"
PROVENANCE = "provenance.yaml"


class SampleJob(BaseModel):
    """A resolved sampling stage.

    Attributes:
        section: what is sampled, its files found and its scorer chosen.
        model: the checkpoint's folder, or its name at an endpoint.
        fingerprint: what identifies its weights in the journal.
        prompts: what identifies the prompts: a hash of their file, or the suite with its version.
        scorer: what identifies the scorer: a suite with its version, a reward model's weights, or
            a judge.
        engine: what generates.
        unsafe: run model-written programs also where they cannot be contained.
        data_dir: folder of benchmark files.
        files: SHA-256 of each benchmark file that prompts and scorer read, by its name there.
        out: the stage's folder; rows and provenance go there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    section: SampleSection
    model: str
    fingerprint: str
    prompts: str
    scorer: str
    engine: EngineChoice
    unsafe: bool = False
    data_dir: Path | None = None
    files: dict[str, str] = {}
    out: Path
    journal: Path

    @property
    def key(self) -> str:
        """A hash of all that the rows depend on."""
        return digest({**self._essence, "files": self.files})

    @property
    def old_key(self) -> str:
        """The key as earlier versions wrote it, with a path in place of the files."""
        return digest({**self._essence, "data_dir": self.data_dir})

    @property
    def _essence(self) -> dict[str, object]:
        return {
            **essence(self.section, self.prompts, self.scorer),
            "model": self.fingerprint,
            "engine": engine_essence(self.engine),
        }


def essence(section: SampleSection, prompts: str, scorer: str) -> dict[str, object]:
    """A section with what identifies its files in place of paths; the checkpoint is told apart."""
    paths = {"checkpoint", "prompts", "verifier", "reward_model", "judge", "judge_url"}
    plain = section.model_dump(mode="json", exclude=paths)
    return {"section": plain, "prompts": prompts, "scorer": scorer}


def engine_essence(engine: EngineChoice) -> dict[str, object]:
    """What of an engine's settings may change what it says."""
    return engine.model_dump(mode="json", include={"name", "dtype", "base_url", "max_model_len"})
