# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every kind of error the house has, in its own words; docs/errors.md and the page of errors are made from it."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module, util
from pkgutil import walk_packages

from django.apps import apps

from accounts.rest.problems import STATUSES
from codexos.kernel.errors import Broken, CodexosError

HEAD = """<!-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary -->
# Errors

Every answer that is not a success is a problem (RFC 9457, `application/problem+json`) with a `code` of this list.
`detail` says what happened, which thing, and what to do next. Whatever is our own fault has the code `broken` and
tells nothing but an id. This page is made from the code by `bin/manage write_errors`.

| code | status | means | again? |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One kind of error as people read it."""

    code: str
    status: int
    means: str
    is_retryable: bool


AT_THE_DOOR = (
    ErrorKind("malformed", 400, "The request cannot be read: broken JSON, NUL characters, a bad length.", False),
    ErrorKind("method_not_allowed", 405, "The address does not know this method; `Allow` lists those it knows.", False),
    ErrorKind("not_acceptable", 406, "The address answers in another format than `Accept` asks for.", False),
    ErrorKind("too_large", 413, "The body is larger than the address takes.", False),
    ErrorKind("unsupported_media_type", 415, "The address does not read this `Content-Type`.", False),
)


def list_errors() -> list[ErrorKind]:
    """Return every kind with its status, by status and code; our own bugs are one kind."""
    statuses = _statuses()
    named = [_described(kind, statuses) for kind in every_kind() if kind is Broken or not issubclass(kind, Broken)]
    return sorted([*named, *AT_THE_DOOR], key=lambda kind: (kind.status, kind.code))


def errors_page() -> str:
    """Return docs/errors.md."""
    rows = [
        f"| `{kind.code}` | {kind.status} | {kind.means} | {'yes' if kind.is_retryable else ''} |"
        for kind in list_errors()
    ]
    return HEAD + "\n".join(rows) + "\n"


def _statuses() -> dict[type[CodexosError], int]:
    """Return the tables of all front doors as one; what a door says of its own kinds goes before the house's."""
    tables = [f"{app.name}.api.statuses" for app in apps.get_app_configs()]
    own = [import_module(table).STATUSES for table in tables if _exists(table)]
    return {kind: status for table in (*own, STATUSES) for kind, status in table.items()}


def _described(kind: type[CodexosError], statuses: Mapping[type[CodexosError], int]) -> ErrorKind:
    status = next(status for ancestor, status in statuses.items() if issubclass(kind, ancestor))
    means = " ".join((inspect.getdoc(kind) or "").split()).replace("``", "`").replace("|", "\\|")
    return ErrorKind(kind.code, status, means, kind.retryable)


def every_kind() -> list[type[CodexosError]]:
    """Return every class of error that can reach the outside: the kernel's, those of errors.py and of front doors."""
    modules = set(_error_modules())
    for module in modules:
        import_module(module)
    return sorted({kind for kind in _below(CodexosError) if kind.__module__ in modules}, key=lambda kind: kind.code)


_PLACES = ("errors", "engine.errors", "mcp_server.errors")


def _error_modules() -> Iterator[str]:
    yield from _modules_in("codexos.kernel")
    for app in apps.get_app_configs():
        for name in (f"{app.name}.{place}" for place in _PLACES):
            if _exists(name):
                yield name
                yield from _modules_in(name)
        if _exists(f"{app.name}.api.urls"):
            yield from _modules_in(f"{app.name}.api")


def _modules_in(package: str) -> Iterator[str]:
    path = getattr(import_module(package), "__path__", ())
    return (found.name for found in walk_packages(path, prefix=f"{package}."))


def _exists(name: str) -> bool:
    try:
        return util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _below(kind: type[CodexosError]) -> Iterator[type[CodexosError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)
