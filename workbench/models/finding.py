"""From what the user calls a model to a folder on disk. Nothing is downloaded unless `online`."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import NamedTuple

from workbench.errors import BadInput, MissingResource, NotFound

_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(/[\w.-]+)?$")
_WANTED = ["*.json", "*.safetensors", "vocab.txt", "merges.txt", "*.model"]
"""Never pickles, never code."""


class Found(NamedTuple):
    """A model's folder, and the name that records give it."""

    folder: Path
    name: str


def find_model(model: str | Path, *, online: bool = False) -> Found:
    """Return the folder of `model`: a folder, or a hub id that is in the local cache (or downloaded, with `online`).

    Raises:
        NotFound: neither; the message names folders that are called alike.
        MissingResource: `online`, but the hub cannot be reached.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return Found(folder, folder.resolve().name)
    if folder.exists():
        raise BadInput(f"{model} is a file; give the checkpoint's folder")
    if isinstance(model, str) and _HUB_ID.match(model):
        return _from_hub(model, folder, online)
    raise NotFound(
        f"no model folder {str(model)!r}{_alike(folder)}; a hub id looks like owner/name, and needs --online"
    )


def _from_hub(name: str, folder: Path, online: bool) -> Found:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return Found(Path(snapshot_download(name, allow_patterns=_WANTED, local_files_only=not online)), name)
    except (HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, OSError) as error:
        if not online:
            raise NotFound(
                f"no model folder {name!r}{_alike(folder)}; if it is a hub id: it is not in the local cache, "
                "and --online allows to download it"
            ) from None
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MissingResource(
            f"cannot download {name!r} from the hub: {reason}; check the name and the network"
        ) from error


def _alike(folder: Path) -> str:
    """Return '; did you mean …?' for the folder beside `folder` whose name is nearest, or nothing."""
    try:
        beside = [entry.name for entry in folder.parent.iterdir() if entry.is_dir()]
    except OSError:
        return ""
    near = difflib.get_close_matches(folder.name, beside, n=1, cutoff=0.5)
    return f"; did you mean {str(folder.parent / near[0])!r}?" if near else ""
