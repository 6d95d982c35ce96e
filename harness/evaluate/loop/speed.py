"""The speed of an engine, kept beside its answers: an audit estimates a time from it.

Speed is the machine's, the engine's and the model's shape's, so these are kept with it. It is in a
file of its own, since logs and summaries have the same bytes whenever they are made.
"""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.engines.options import EngineSpec
from harness.storage.atomic_files import read_lines, write_text
from harness.storage.hashing import canonical, digest

FILE = "speed.jsonl"
#: Of config.json: what decides how much there is to compute for a token.
_SHAPE = (
    "model_type",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "num_local_experts",
    "num_experts_per_tok",
)


@dataclass(frozen=True, slots=True)
class Setting:
    """The machine, engine and model that a speed belongs to.

    `model` is a hash of the shape; of an endpoint its address and what it serves.
    """

    host: str
    engine: str
    dtype: str
    model: str


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens that one evaluation had generated, and the seconds with its engine ready.

    `run` is the name of the run folder.
    """

    run: str
    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.tokens / self.seconds


def setting_of(spec: EngineSpec) -> Setting:
    """Return the setting of an engine, without starting it."""
    if spec.base is None:
        model = " ".join([spec.settings.base_url, *sorted({name for _, name in spec.served})])
    else:
        config = json.loads((spec.base / "config.json").read_text(encoding="utf-8"))
        model = digest({key: config.get(key) for key in _SHAPE}, 16)
    return Setting(socket.gethostname(), spec.settings.name, spec.settings.dtype, model)


@contextmanager
def recorded(
    folder: Path, spec: EngineSpec, generated: Callable[[], tuple[int, float]]
) -> Iterator[None]:
    """Add a line to the speeds of an evaluation's folder when the block ends well, if it generated.

    `generated` returns tokens and seconds with an engine ready, both so far.
    """
    tokens, seconds = generated()
    yield
    tokens, seconds = generated()[0] - tokens, generated()[1] - seconds
    if tokens > 0 and seconds > 0:
        line = {**asdict(setting_of(spec)), "tokens": tokens, "seconds": round(seconds, 3)}
        lines = [*read_lines(folder / FILE), line]
        write_text(folder / FILE, "".join(canonical(line) + "\n" for line in lines))


def measured(runs: Path, setting: Setting) -> Speed | None:
    """Return the speed of a setting over the most tokens, of all runs in a folder; None without."""
    speeds = []
    for file in sorted(runs.glob(f"*/eval/{FILE}")):
        for line in read_lines(file):
            if isinstance(line, Mapping) and asdict(setting).items() <= line.items():
                tokens, seconds = line.get("tokens"), line.get("seconds")
                if not isinstance(tokens, int) or not isinstance(seconds, int | float):
                    continue
                if tokens > 0 and seconds > 0:
                    speeds.append(Speed(file.parent.parent.name, tokens, float(seconds)))
    return max(speeds, key=lambda speed: speed.tokens, default=None)
