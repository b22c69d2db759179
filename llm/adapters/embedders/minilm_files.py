# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The written graph on disk: made once, in one move, and believed only while its hash is right."""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from llm.adapters.embedders.weights import GRAPH_VERSION, MODEL, SHA256, WEIGHTS, checked_file, read_weights
from llm.errors import EmbedderUnavailable

_HASH_CHARACTERS = 64


def graph_path(folder: Path) -> Path:
    """Return where the graph lies, whether it has been written or not."""
    return folder / f"minilm-{SHA256[WEIGHTS][:16]}-{GRAPH_VERSION}.onnx"


def stored_graph(folder: Path) -> bytes:
    """Return the graph; write it first where there is none that is right. Raises EmbedderUnavailable."""
    weights = checked_file(WEIGHTS)
    path = graph_path(folder)
    graph = kept_graph(path)
    if graph is None:
        # Only who has to write one needs the library for it.
        from llm.adapters.embedders.minilm_graph import write_graph

        graph = write_graph(read_weights(weights))
        _keep(path, graph)
    return graph


def kept_graph(path: Path) -> bytes | None:
    """Return what was kept, None where nothing was or it is not what was kept."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, graph = content[:_HASH_CHARACTERS], content[_HASH_CHARACTERS:]
    return graph if graph and hashlib.sha256(graph).hexdigest().encode() == digest else None


def _keep(path: Path, graph: bytes) -> None:
    """Write it beside its place and move it there, so that nobody ever reads a half."""
    name = ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
            name = file.name
            file.write(hashlib.sha256(graph).hexdigest().encode() + graph)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(name)
        because = f"{path.parent} cannot be written: {error.strerror or error}"
        instead = "Free about 40 MB there, or point CODEXOS_HOME to where this process may write"
        raise EmbedderUnavailable(model=MODEL, because=because, instead=instead) from None
