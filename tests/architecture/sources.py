# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Our own source files: what git knows and is not a library's, a lock or a generated file."""

import subprocess
from functools import cache
from pathlib import Path

from django.conf import settings

HOUSE: Path = settings.BASE_DIR
MARK = "SPDX-License-Identifier: LicenseRef-NIA-Proprietary"
SUFFIXES = frozenset({".py", ".ts", ".tsx", ".css", ".html", ".sql", ".sh", ".toml", ".yaml", ".yml", ".mjs"})
NAMES = frozenset({"Dockerfile", "Procfile"})


@cache
def tracked() -> tuple[Path, ...]:
    """Return every file that git knows or would take, as a path below the house."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(asked, cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    return tuple(sorted({Path(name) for name in names.split("\0") if name and (HOUSE / name).is_file()}))


def sources() -> list[Path]:
    """Return the files that are source: by their ending, their name, or as scripts in bin/."""
    return [
        path
        for path in tracked()
        if path.suffix in SUFFIXES or path.name in NAMES or (path.parts[0] == "bin" and not path.suffix)
    ]


def python() -> list[Path]:
    """Return our Python files without migrations, which Django writes."""
    return [path for path in sources() if path.suffix == ".py" and "migrations" not in path.parts]
