"""What the engine remembers: answers by the hash of what was asked, the least recently used forgotten first."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable

import numpy as np

from workbench.models.protocols import FloatArray


def key_of_text(text: str) -> bytes:
    """Return the content hash of a text; lone surrogates are content too."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, person=b"text").digest()


def key_of_ids(ids: Iterable[int]) -> bytes:
    """Return the content hash of a sequence of token ids."""
    content = np.fromiter(ids, dtype=np.int64).tobytes()
    return hashlib.blake2b(content, digest_size=16, person=b"ids").digest()


class Memory:
    """At most `entries` answers. Not safe for threads by itself: the engine's lock guards it."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, key: bytes) -> FloatArray | None:
        """Return the answer under `key`, (n_labels,), read-only, or None."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return np.frombuffer(found, dtype=np.float64)

    def put(self, key: bytes, answer: FloatArray) -> None:
        """Keep `answer`, (n_labels,), and forget what was not used for longest if that is one too many."""
        self._kept[key] = np.asarray(answer, dtype=np.float64).tobytes()
        self._kept.move_to_end(key)
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)
