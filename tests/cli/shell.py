# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Typing commands: the real ``bin/codexos`` in a process of its own, in a folder of its own, signed in or not."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

PROGRAM = settings.BASE_DIR / "bin" / "codexos"
FOREIGN = ("CODEXOS_", "XDG_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_COLOR", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it wrote for programs."""
        return json.loads(self.out)


@dataclass
class Shell:
    """Somebody's shell: a folder they stand in, and a configuration nobody else has."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        """What a command sees: nothing of the person who runs the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return {**kept, "XDG_CONFIG_HOME": str(self.folder / "config"), **self.variables, **more}

    def type(self, *words: str, stdin: str = "", **more: str) -> Said:
        """Run one command to its end."""
        done = subprocess.run(
            [PROGRAM, *words],
            cwd=self.folder,
            env=self.environment(**more),
            input=stdin.encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        said = Said(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
        assert "Traceback" not in said.err, said.err
        return said

    def start(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        """Begin a command and leave it running."""
        return subprocess.Popen(
            [PROGRAM, *words],
            cwd=self.folder,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, name: str, content: str | bytes) -> str:
        """Put a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name
