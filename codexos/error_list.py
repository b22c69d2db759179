# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every kind of error the house has, in its own words; docs/errors.md and the page of errors are made from it."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, util

from django.apps import apps

from accounts.rest.problems import STATUSES
from codexos.kernel import errors as kinds
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
    named = [_described(kind) for kind in _all_kinds() if kind is Broken or not issubclass(kind, Broken)]
    return sorted([*named, *AT_THE_DOOR], key=lambda kind: (kind.status, kind.code))


def errors_page() -> str:
    """Return docs/errors.md."""
    rows = [
        f"| `{kind.code}` | {kind.status} | {kind.means} | {'yes' if kind.is_retryable else ''} |"
        for kind in list_errors()
    ]
    return HEAD + "\n".join(rows) + "\n"


def _described(kind: type[CodexosError]) -> ErrorKind:
    status = next(status for ancestor, status in STATUSES.items() if issubclass(kind, ancestor))
    means = " ".join((inspect.getdoc(kind) or "").split()).replace("``", "`").replace("|", "\\|")
    return ErrorKind(kind.code, status, means, kind.retryable)


def _all_kinds() -> list[type[CodexosError]]:
    """Return the kinds of errors and all that is derived from them, apps' and engines' alike."""
    for module in _error_modules():
        import_module(module)
    return sorted(set(_below(CodexosError)), key=lambda kind: kind.code)


def _error_modules() -> Iterator[str]:
    yield kinds.__name__
    for app in apps.get_app_configs():
        for name in (f"{app.name}.errors", f"{app.name}.engine.errors"):
            if _exists(name):
                yield name


def _exists(name: str) -> bool:
    try:
        return util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _below(kind: type[CodexosError]) -> Iterator[type[CodexosError]]:
    for child in kind.__subclasses__():
        # Tests make kinds of their own; they are no part of the product.
        if not child.__module__.startswith("tests."):
            yield child
            yield from _below(child)
