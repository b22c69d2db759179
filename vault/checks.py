# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Refuses to start where the database holds keys under a master that this process was not given.

Otherwise it would serve, fail at every secret, and seal new ones under a key that nobody meant. Asked once a process
and database: when it starts, and else at its first connection.
"""

import logging
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from codexos.kernel.sealing import SealBroken
from vault.errors import KeeperNotSet, KeyUnavailable, MasterUnknown
from vault.operations.keys import is_held_here, master_in_use, try_key
from vault.queries.lookups import ClosedKey, list_masters

logger = logging.getLogger(__name__)

_found_open: set[tuple[object, ...]] = set()
_is_unguarded = False


def refuse_missing_master(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Check that what is sealed can be opened. Raises ImproperlyConfigured, naming the master that is missing.

    Masters that are kept elsewhere are not asked for here: whoever connects must not wait for them.
    """
    if settings.DATABASE_ROLE == "owner" or _is_unguarded or _name_of(connection) in _found_open:
        return
    try:
        refuse_missing_masters(connection)
    except ImproperlyConfigured:
        connection.close()
        raise
    _found_open.add(_name_of(connection))


def refuse_missing_masters(connection: BaseDatabaseWrapper, *, ask_outside: bool = False) -> None:
    """Check every master that something is closed under; ``ask_outside``: those of a key keeper elsewhere, too.

    Raises ImproperlyConfigured. A keeper that cannot be asked is a warning: secrets stay shut until it can.
    """
    for master, samples in list_masters(connection).items():
        if ask_outside or is_held_here(master):
            _check(master, samples)


def insist_on_masters() -> None:
    """Check all masters as a process starts. Ends it with a sentence; a database that is away is asked later."""
    if settings.TESTING:
        return
    # A connection of its own, and no pool: whoever starts may fork, and a pool has threads.
    mine = connections["default"].copy()
    mine.settings_dict = deepcopy(mine.settings_dict)
    mine.settings_dict["OPTIONS"].pop("pool", None)
    try:
        mine.ensure_connection()
        refuse_missing_masters(mine, ask_outside=True)
    except OperationalError as error:
        logger.warning("The database does not answer yet, so the master key is checked later: %s", error)
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None
    finally:
        mine.close()


def start_unguarded() -> None:
    """Let this process work without every master: for the command that looks after them."""
    global _is_unguarded
    _is_unguarded = True


def _check(master: str, samples: Sequence[ClosedKey]) -> None:
    is_broken = False
    for sample in samples:
        try:
            try_key(master, sample)
            return
        except MasterUnknown:
            raise _missing(master, "which this process was not given") from None
        except KeeperNotSet as error:
            raise ImproperlyConfigured(error.message) from None
        except SealBroken:
            is_broken = True
        except KeyUnavailable as error:
            logger.warning("%s", error.message)
            return
    if is_broken:
        raise _missing(master, "and the key that has this name here does not open them")


def _missing(master: str, what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"Secrets in this database are sealed under the master key {master!r}, {what}; it has {master_in_use()!r}. "
        "Nothing was started, and nothing is lost. Give the key back: as CODEXOS_MASTER_KEY, or in CODEXOS_VAULT_KEYS "
        "behind the new one. `bin/manage vault status` lists the masters that are needed. Where it is lost for "
        "good, docs/how-to/shred-a-vault.md tells how to give up what stands under it."
    )


def _name_of(connection: BaseDatabaseWrapper) -> tuple[object, ...]:
    given = connection.settings_dict
    return (given["HOST"], given["PORT"], given["NAME"], given["USER"])
