"""A checkpoint folder, examined before anything loads it: what it is, byte for byte, or why it is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, NotFound, Unsupported, Untrusted, WorkbenchError
from workbench.models.config_labels import labels_of
from workbench.models.weights import weight_files

CONFIG, GROUP_RULE = "config.json", "group_rule.json"
"""The second, where there is one, decides by group on what the weights say: part of what the model is."""
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "spm.model", "sentencepiece.bpe.model")
_TOKENIZER = (
    *_VOCABULARIES,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
    "tokenizer.model",
    "sentencepiece.model",
    "tiktoken.model",
    "tekken.json",
    "entity_vocab.json",
    "normalizer.json",
)
"""Every file that a fast tokenizer of transformers may read."""
_ELSEWHERE = {
    CONFIG: ("transformers_weights", "configuration_files"),
    "tokenizer_config.json": ("fast_tokenizer_files",),
}
"""Keys by which transformers reads other files than those that the digest is taken of."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder that may be loaded as a text classifier."""

    folder: Path
    name: str
    """The folder's name or the hub id; never a path."""
    config: Mapping[str, Any]
    architecture: str
    labels: tuple[str, ...]
    weights: tuple[str, ...]
    """Names of the weight files."""
    files: Mapping[str, str]
    """File name -> sha256, of config, weights, tokenizer, and the decision rule by group where there is one."""

    @property
    def digest(self) -> str:
        """sha256 over the sorted (file name, sha256)."""
        return _digest(self.files)

    @property
    def base(self) -> str | None:
        """The model it was fine-tuned from, as far as the config says; never a path."""
        stated = str(self.config.get("base_model") or self.config.get("_name_or_path") or "")
        name = "/".join(stated.replace("\\", "/").rstrip("/").split("/")[-1:]) if _is_path(stated) else stated
        return name if name not in ("", ".", self.name) else None

    @property
    def bytes(self) -> int:
        """Size of the weight files on disk."""
        return sum((self.folder / name).stat().st_size for name in self.weights)


def read_checkpoint(folder: Path, *, name: str | None = None) -> Checkpoint:
    """Examine `folder` without loading it. `name` defaults to the folder's own.

    Raises:
        NotFound: config, weights or tokenizer are missing.
        Untrusted: pickled weights, or remote code.
        Unsupported: not a text classifier with exclusive labels, or more files than these decide what it answers.
        BadInput: a file that cannot be read.
    """
    config = _json(folder / CONFIG)
    _refuse_other_code_or_files(folder, config)
    architecture = _architecture(folder, config)
    labels = labels_of(config, where=str(folder / CONFIG))
    weights = weight_files(folder)
    tokenizer = _tokenizer_files(folder)
    rule = [GROUP_RULE] if (folder / GROUP_RULE).is_file() else []
    files = _hashes(folder, {CONFIG, *weights, *tokenizer, *rule})
    return Checkpoint(folder, name or folder.resolve().name, config, architecture, labels, weights, files)


def digest_of(folder: str | Path) -> str | None:
    """Return the digest of the classifier in `folder`; None where it is none: who loads it is told why."""
    try:
        return read_checkpoint(Path(folder)).digest
    except WorkbenchError:
        return None


def read_backbone(folder: Path) -> str:
    """Examine a folder that a classifier is to be made from; it need not be one. Raises like `read_checkpoint`.

    Returns its digest, which is that of `Checkpoint` for the same files.
    """
    _refuse_other_code_or_files(folder, _json(folder / CONFIG))
    return _digest(_hashes(folder, {CONFIG, *weight_files(folder), *_tokenizer_files(folder)}))


def _tokenizer_files(folder: Path) -> list[str]:
    present = [name for name in _TOKENIZER if (folder / name).is_file()]
    if not any(name in _VOCABULARIES for name in present):
        raise NotFound(
            f"no tokenizer in {folder}; save it beside the weights: "
            "AutoTokenizer.from_pretrained(BASE_MODEL).save_pretrained(THIS_FOLDER)"
        )
    return present


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"{path.parent} is not a checkpoint folder: it has no {path.name}; give what save_pretrained wrote"
        ) from None
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot read {path}: {error}; copy the checkpoint again") from error
    if not isinstance(content, dict):
        raise BadInput(f"{path} is not a JSON object; copy the checkpoint again")
    return content


def _refuse_other_code_or_files(folder: Path, config: Mapping[str, Any]) -> None:
    """Raise where what the model answers would depend on more than the files that are hashed."""
    tokenizer = folder / "tokenizer_config.json"
    for where, content in ((CONFIG, config), (tokenizer.name, _json(tokenizer) if tokenizer.is_file() else {})):
        if wanted := content.get("auto_map"):
            raise Untrusted(
                f"{folder / where} asks to run code that comes with the model (auto_map: {json.dumps(wanted)}), "
                "which is never done here; save it as an architecture that transformers itself knows, without auto_map"
            )
        for key in _ELSEWHERE[where]:
            if named := content.get(key):
                raise Unsupported(
                    f"{folder / where} names other files to read in place of the usual ones ({key}: "
                    f"{json.dumps(named)}); load the model and save it again with save_pretrained, without {key}"
                )


def _architecture(folder: Path, config: Mapping[str, Any]) -> str:
    stated = [str(name) for name in config.get("architectures") or ()]
    for name in stated:
        if name.endswith("ForSequenceClassification"):
            return name
    found = f"is a {', '.join(stated)}" if stated else "does not say what it is ('architectures' is missing)"
    raise Unsupported(
        f"{folder} {found}, not a text classifier (…ForSequenceClassification); to make one of it, name it as the "
        f"backbone of a recipe (backbone = '{folder}'): workbench train --recipe FILE.toml --data DATA --out OUT"
    )


def _is_path(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or name.count("/") != 1 or ":" in name


def _hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    return {name: _sha256(folder / name) for name in sorted(names)}


def _digest(files: Mapping[str, str]) -> str:
    lines = "".join(f"{name}\0{sha256}\n" for name, sha256 in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
