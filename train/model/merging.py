"""The merging of an adapter into its base: one full checkpoint folder."""

from pathlib import Path

from train.errors import TrainError
from train.model.adapters import (
    SETTINGS,
    is_adapter,
    load_adapter,
    read_settings,
    tokenizer_folder,
)
from train.model.loading import load_base, load_tokenizer, save_checkpoint

_EMBEDDINGS = {"lm_head", "embed_tokens"}


def merge(adapter: Path, base: Path, out: Path) -> None:
    """Write a full checkpoint: the base's weights with the adapter's changes, in the base's dtype.

    Tokenizer and chat template are the adapter's own where its folder has them, else the base's.
    The folder `out` is complete or does not exist. An adapter that was trained on a quantised base
    is merged into the unquantised one.

    Raises:
        TrainError: one of the folders is not what it should be, or the two do not fit.
    """
    refuse_unmergeable(adapter, out)
    tokenizer = load_tokenizer(tokenizer_folder(base, adapter))
    model = load_base(base, "auto", device="cpu")
    if model.config.get_text_config().tie_word_embeddings:
        _refuse_tied(adapter)
    dtype = model.dtype
    try:
        merged = load_adapter(model, base, adapter, trainable=False).merge_and_unload(
            safe_merge=True
        )
    except ValueError as error:  # it checks for NaN
        raise TrainError(f"{adapter}: cannot be merged ({error})") from error
    save_checkpoint(merged.to(dtype), tokenizer, out)


def refuse_unmergeable(adapter: Path, out: Path) -> None:
    """Raise TrainError, before anything is loaded, unless `adapter` is one and `out` is new."""
    if not is_adapter(adapter):
        if (adapter / "config.json").is_file():
            raise TrainError(f"{adapter}: is a full checkpoint already; use it as it is")
        raise TrainError(f"{adapter}: no adapter: {SETTINGS} is missing; name a LoRA checkpoint")
    read_settings(adapter)
    if out.exists():
        raise TrainError(f"{out}: is there already; name another folder with -o, or remove it")


def _refuse_tied(adapter: Path) -> None:
    """Refuse an adapter of embedding or head where one matrix serves as both."""
    settings = read_settings(adapter)
    lists = (settings.get(key) for key in ("target_modules", "modules_to_save"))
    modules = {
        str(name).rpartition(".")[2] for part in lists if isinstance(part, list) for name in part
    }
    if changed := _EMBEDDINGS & modules:
        raise TrainError(
            f"{adapter}: changes {', '.join(sorted(changed))}, which this base ties to its other "
            "end; such an adapter cannot be merged: use it as it is"
        )
