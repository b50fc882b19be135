"""Which files hold a checkpoint's weights, and are they whole. Only safetensors: a pickle runs code when it is read."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.errors import BadInput, NotFound, Unsupported, Untrusted

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")
_SHARDS_OF_RANKS = "shard-*-model-*.safetensors"
"""What a distributed run saves, one file a process: transformers reads them before any other weights."""
_FOREIGN = {"*.h5": "TensorFlow", "*.msgpack": "Flax", "*.onnx": "ONNX", "*.gguf": "GGUF"}

CONVERT = (
    'on a machine where you trust it, convert it once: python -c "from transformers import '
    "AutoModelForSequenceClassification as M, AutoTokenizer as T; "
    "M.from_pretrained('OLD').save_pretrained('NEW'); T.from_pretrained('OLD').save_pretrained('NEW')\""
)
"""The remedy for weights of another format. transformers 5 writes safetensors."""


def weight_files(folder: Path) -> tuple[str, ...]:
    """Return the names of the weight files in `folder`, sorted, each verified to be a complete safetensors file.

    Raises:
        Untrusted: only pickled weights, or an index that points outside of the folder.
        NotFound: no weights, or a shard that the index names is missing.
        Unsupported: beside the weights lie others, which transformers would read with them or in their place.
        BadInput: a file that is empty, cut short or not safetensors.
    """
    names = _named(folder)
    for name in names:
        _require_complete(folder / name)
    return names


def _named(folder: Path) -> tuple[str, ...]:
    if (folder / "adapter_config.json").is_file():
        whole = any((folder / name).is_file() for name in (WHOLE, INDEX))
        raise Unsupported(
            f"{folder} holds an adapter{', which would change what the model beside it answers' if whole else ''}; "
            "merge it into its base model first (PeftModel.merge_and_unload) and save the result in a folder of its own"
        )
    if found := sorted(folder.glob(_SHARDS_OF_RANKS)):
        raise Unsupported(
            f"{folder} holds the weights of a distributed run ({found[0].name}), which would be read in place of "
            f"{WHOLE}; load it where it was trained and save the whole model in a folder of its own"
        )
    if (folder / WHOLE).is_file():
        return (WHOLE,)
    if (folder / INDEX).is_file():
        return _shards(folder)
    for pattern in _PICKLED:
        if found := sorted(folder.glob(pattern)):
            raise Untrusted(
                f"{folder} has its weights only in pickled form ({found[0].name}), "
                f"which can run code when read; {CONVERT}"
            )
    for pattern, format_ in _FOREIGN.items():
        if found := sorted(folder.glob(pattern)):
            raise NotFound(f"{folder} has its weights only in {format_} form ({found[0].name}); {CONVERT}")
    raise NotFound(f"no weights in {folder}: neither {WHOLE} nor {INDEX}; save the model with save_pretrained")


def _shards(folder: Path) -> tuple[str, ...]:
    try:
        table = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"]
        names = tuple(sorted({str(name) for name in table.values()}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"cannot read the list of shards {folder / INDEX}: {error!r}; copy the checkpoint again"
        ) from error
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise Untrusted(f"{folder / INDEX} names {name!r}, which is not a safetensors file of that folder")
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise NotFound(
            f"{folder} lacks {len(missing)} of {len(names)} weight files: {', '.join(missing)}; "
            "copy the checkpoint again"
        )
    if not names:
        raise BadInput(f"{folder / INDEX} lists no weight files; copy the checkpoint again")
    return names


def _require_complete(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    size = path.stat().st_size
    try:
        with safe_open(path, framework="numpy") as file:  # reads the header and compares it with the file's size
            empty = not list(file.keys())
    except (SafetensorError, OSError, ValueError) as error:
        raise BadInput(
            f"{path} is not a complete safetensors file ({size:,} bytes: {error}); it may have been cut short: "
            "copy or download it again"
        ) from error
    if empty:
        raise BadInput(f"{path} holds no tensors; save the model again")
