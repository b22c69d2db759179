# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What was done already: a hash of everything a step depends on, kept until one of them changes."""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from codexos.local.home import CHECKOUT

APPS = ("codexos", "accounts", "vault", "llm", "rag", "agents", "marketplace")
BUNDLE_FILES = ("package.json", "package-lock.json", "vite.config.ts", "vite.config.js", "tsconfig.json")
BUNDLE_FOLDERS = ("frontend", "templates")


def digest_of(paths: Iterable[Path], *, also: str = "") -> str:
    """One hash over the names and contents of files."""
    total = hashlib.sha256(also.encode())
    for path in sorted(set(paths)):
        name = str(path.relative_to(CHECKOUT)) if path.is_relative_to(CHECKOUT) else str(path)
        total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def schema_digest(*, also: str = "") -> str:
    """Changes when a prepared database would: migrations, SQL, what they import, the locked packages."""
    sources = [path for app in APPS for path in (CHECKOUT / app).glob("**/migrations/*.py")]
    sources += (CHECKOUT / "codexos" / "management" / "commands").glob("*.py")
    imported = [found for path in sources for found in _imported_by(path)]
    statements = [path for app in APPS for path in (CHECKOUT / app).glob("**/*.sql")]
    lock = [CHECKOUT / "requirements.txt"]
    return digest_of([*sources, *imported, *statements, *lock], also=also)


def bundle_digest() -> str:
    """Changes when the web bundle would come out differently."""
    files = [CHECKOUT / name for name in BUNDLE_FILES if (CHECKOUT / name).is_file()]
    for folder in BUNDLE_FOLDERS:
        files += [
            path for path in (CHECKOUT / folder).rglob("*") if path.is_file() and "node_modules" not in path.parts
        ]
    return digest_of(files)


def _imported_by(path: Path) -> list[Path]:
    """Files of ours that a file imports itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    ours = [CHECKOUT / name.replace(".", "/") for name in names if name.split(".")[0] in APPS]
    return [found for base in ours for found in (base.with_suffix(".py"), base / "__init__.py") if found.is_file()]


def is_current(stamp: Path, digest: str) -> bool:
    """Whether a step was done for exactly this digest."""
    try:
        return stamp.read_text(encoding="utf-8").strip() == digest
    except OSError:
        return False


def record(stamp: Path, digest: str) -> None:
    """Remember that a step is done."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(f"{digest}\n", encoding="utf-8")
