"""A checkpoint as a scorer of responses, loaded in fp32, with its log-probabilities cached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.evaluate.client.engine_groups import base_of
from train.data.tokens import TokenGroup
from train.model.logprobs import Form, attention_kernel, choose_form
from train.trainer.reference import ReferenceSource, reference_logps

DTYPE = "float32"


@dataclass(frozen=True, slots=True)
class Scorer:
    """A checkpoint that scores responses.

    Attributes:
        folder: a full checkpoint, or an adapter.
        fingerprint: of its weights.
        cache: folder of stored log-probabilities, which training shares.
        batch: prompts in one forward pass.
    """

    folder: Path
    fingerprint: str
    cache: Path
    batch: int

    def score(
        self, groups: Sequence[TokenGroup], form: Form, progress: Callable[[int, int], None]
    ) -> tuple[list[tuple[float, ...]], Form]:
        """Return the summed log-probabilities of all responses by prompt (nats), and their form.

        Args:
            groups: prompts with their responses, at least one.
            form: of the computation; a plainer one is used where the model needs it.
            progress: receives (done, total), counted in responses that must be computed.

        Raises:
            train.TrainError: the checkpoint cannot be loaded.
        """
        model = self._load()
        form = choose_form(model, groups, form)
        source = ReferenceSource(self.fingerprint, DTYPE, attention_kernel(model), form)
        sums, _ = reference_logps(model, groups, source, self.cache, self.batch, progress)
        return sums, form

    def _load(self) -> Any:
        from train.model.adapters import load_adapter
        from train.model.loading import load_base

        base = Path(base_of(str(self.folder)))
        model = load_base(base, DTYPE)
        if base == self.folder:
            return model
        return load_adapter(model, base, self.folder, trainable=False).eval()
