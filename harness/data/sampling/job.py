"""The job handed to a sampling stage."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.engines.options import EngineChoice
from harness.recipe.schema import SampleSection
from harness.storage.hashing import digest

ROWS = "rows.jsonl"
PROVENANCE = "provenance.yaml"


class SampleJob(BaseModel):
    """A resolved sampling stage.

    Attributes:
        section: the recipe's, with its files resolved and its scorer chosen.
        model: the checkpoint's folder, or its name at an endpoint.
        fingerprint: of its weights, for the journal.
        prompts: identity of the prompts: a hash of their file, or the suite with its version.
        scorer: identity of the scorer: a suite with its version, a reward model's weights, or a
            judge.
        engine: generates the responses.
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
    """Return a section with the identities of its files in place of paths."""
    paths = {"checkpoint", "prompts", "verifier", "reward_model", "judge", "judge_url"}
    plain = section.model_dump(mode="json", exclude=paths)
    return {"section": plain, "prompts": prompts, "scorer": scorer}


def engine_essence(engine: EngineChoice) -> dict[str, object]:
    """Return the settings of an engine that may change its answers."""
    return engine.model_dump(mode="json", include={"name", "dtype", "base_url", "max_model_len"})
