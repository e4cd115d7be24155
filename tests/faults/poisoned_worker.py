"""`shelfwise worker` with an encoder that one text kills, as a fault in a native library would."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from indexer.encoders.base import Embeddings
from indexer.encoders.hashing import HashingEncoder
from mappings.command_line import main

POISON = "arsenic"
_encode = HashingEncoder.encode


def _encode_or_die(self: HashingEncoder, texts: Sequence[str]) -> Embeddings:
    if any(POISON in text for text in texts):
        os.kill(os.getpid(), signal.SIGKILL)
    return _encode(self, texts)


if __name__ == "__main__":
    HashingEncoder.encode = _encode_or_die  # type: ignore[method-assign]
    main()
