# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Refuses to serve as a database role that row-level security would not bind."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

_QUESTION = """
select r.rolsuper or r.rolbypassrls,
       exists (select from pg_class c where c.relowner = r.oid and c.relnamespace = 'public'::regnamespace)
from pg_roles r where r.rolname = current_user
"""

# Asked once a process: a pool hands a connection out for every request.
_found_harmless: set[tuple[object, ...]] = set()


def refuse_powerful_role(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Check the role that connections sign in as. Raises ImproperlyConfigured where the wall would not hold."""
    signs_in_as = (connection.settings_dict["HOST"], connection.settings_dict["NAME"], connection.settings_dict["USER"])
    if settings.DATABASE_ROLE == "owner" or signs_in_as in _found_harmless:
        return
    with connection.cursor() as cursor:
        cursor.execute(_QUESTION)
        is_above_the_wall, owns_tables = cursor.fetchone()
    if is_above_the_wall or owns_tables:
        connection.close()
        raise ImproperlyConfigured(
            f"DATABASE_URL signs in as {connection.settings_dict['USER']!r}, which is a superuser, bypasses row-level "
            "security or owns tables, so organizations would not be kept apart. Use the role codexos_app."
        )
    _found_harmless.add(signs_in_as)
