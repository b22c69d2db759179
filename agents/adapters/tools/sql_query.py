# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""SqlQuery: one reading statement at a PostgreSQL, through the egress rules, in a transaction that cannot write."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.errors import ToolCallRefused, ToolFailed, ToolUnavailable
from codexos.kernel.egress import Address, EgressPolicy, EgressRefused, is_local, is_public, read_host
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.pinning import Resolver, resolve

DEFAULT_ROWS, MOST_ROWS = 200, 5_000
ROW_BYTES, RESULT_BYTES = 100_000, 1_000_000
DEFAULT_SECONDS, MOST_SECONDS = 20.0, 60.0
_CONNECT_SECONDS = 8
_SQL_CHARACTERS = 20_000
# What else libpq knows reads files of this machine, or leads elsewhere than was judged.
_DSN_MEMBERS = frozenset({"host", "port", "dbname", "user", "password", "sslmode"})
_SSL_MODES = frozenset({"disable", "prefer", "require", "verify-full"})
_READING = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
# A transaction that cannot write does not keep these from acting: on other connections, on files, on other sessions.
_ACTING = re.compile(
    r"\b(dblink\w*|lo_\w+|loread|lowrite|pg_read_\w+|pg_ls_\w+|pg_stat_file|pg_file_\w+|pg_terminate_backend"
    r"|pg_cancel_backend|pg_reload_conf|pg_rotate_logfile|pg_promote|pg_switch_wal|pg_create_\w+|pg_drop_\w+"
    r"|pg_logical_\w+|pg_replication_\w+|pg_notify|pg_advisory_\w+|pg_try_advisory_\w+|set_config|setval|nextval"
    r"|query_to_xml\w*|table_to_xml\w*|cursor_to_xml\w*|schema_to_xml\w*|database_to_xml\w*|ts_stat|xpath_table"
    r"|crosstab\w*|connectby|pg_import_\w+|pg_export_\w+|pg_backup_\w+|pg_start_\w+|pg_stop_\w+)\b|\bu&[\"']",
    re.IGNORECASE,
)
_POWERS = """
select rolsuper or pg_has_role(oid, 'pg_execute_server_program', 'member')
    or pg_has_role(oid, 'pg_write_server_files', 'member') or pg_has_role(oid, 'pg_read_server_files', 'member')
from pg_roles where rolname = current_user
"""


def _touches(arguments: JsonObject) -> Sequence[str]:
    named = arguments.get("secret")
    # Which host it is stands in the secret, and that is not opened to decide.
    return ("read", "egress:*", *((f"secret:{named}",) if isinstance(named, str) else ()))


_ASKED = """
select case when octet_length(said) <= {row_bytes} then said end
from (select row_to_json(asked)::text as said from (
{sql}
) asked limit {most}) told
"""

SPEC = ToolSpec(
    name="SqlQuery",
    description=(
        "Ask a PostgreSQL database one question in SQL and return the rows. Only reading statements: SELECT, WITH, "
        "VALUES, TABLE. The database is named by a secret of the vault that holds its address."
    ),
    schema={
        "type": "object",
        "properties": {
            "secret": {
                "type": "string",
                "minLength": 1,
                "maxLength": 100,
                "description": "The vault's key of the secret that holds postgresql://user:password@host/database.",
            },
            "dsn": {"type": "string", "maxLength": 2_000, "description": "Instead of it: {{ vault.KEY }}."},
            "sql": {"type": "string", "minLength": 1, "maxLength": _SQL_CHARACTERS},
            "parameters": {
                "type": "array",
                "maxItems": 100,
                "description": "What stands for $1, $2 and so on: values go here, never into the text.",
            },
            "max_rows": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS},
            "timeout_seconds": {"type": "number", "minimum": 0.1, "maximum": MOST_SECONDS},
        },
        "required": ["sql"],
        "additionalProperties": False,
    },
    result_schema={
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "rows": {"type": "array", "items": {"type": "object"}},
            "row_count": {"type": "integer"},
            "truncated": {"type": "boolean", "description": "Whether there were more rows, or some were too large."},
            "took_ms": {"type": "number"},
        },
        "required": ["columns", "rows", "row_count", "truncated", "took_ms"],
        "additionalProperties": False,
    },
    capabilities=("read", "egress:*", "secret:*"),
    touches=_touches,
    reads_only=True,
    timeout_seconds=MOST_SECONDS + 20,
)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a database is, after every part of its address was judged."""

    host: str
    port: int
    database: str
    user: str
    password: str
    ssl_mode: str

    def __repr__(self) -> str:
        return f"_Target({self.host!r}, {self.port})"


class SqlQuery:
    """Asks databases; each call has a connection of its own."""

    def __init__(self, room: ToolRoom, *, resolver: Resolver = resolve) -> None:
        self._room = room
        self._resolver = resolver

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return the rows. Raises ToolCallRefused, ToolFailed, ToolUnavailable, EgressRefused and what opening does."""
        sql = str(arguments.get("sql", ""))
        insist_reading(sql)
        target = _target_of(await self._dsn(arguments))
        addresses = await asyncio.to_thread(_judged, self._room.egress, target, self._resolver)
        seconds = float(cast(float, arguments.get("timeout_seconds", DEFAULT_SECONDS)))
        given = arguments.get("parameters")
        wanted = arguments.get("max_rows")
        most = wanted if isinstance(wanted, int) else DEFAULT_ROWS
        began = time.perf_counter()
        try:
            async with asyncio.timeout(seconds + _CONNECT_SECONDS + 2), _connected(target, addresses, seconds) as link:
                parameters = [_parameter(each) for each in given] if isinstance(given, list | tuple) else []
                rows, is_cut = await _rows(link, sql, parameters, most=most)
        except TimeoutError:
            raise ToolFailed(f"The statement took longer than {seconds:.0f} seconds. Ask for less.") from None
        except psycopg.OperationalError as error:
            raise _trouble(error, target) from None
        except psycopg.Error as error:
            raise ToolFailed(f"PostgreSQL says: {_said(error)}", sqlstate=error.sqlstate or "") from None
        names = list(rows[0]) if rows else []
        took = round((time.perf_counter() - began) * 1000, 1)
        return {"columns": names, "rows": rows, "row_count": len(rows), "truncated": is_cut, "took_ms": took}

    async def _dsn(self, arguments: JsonObject) -> str:
        key, dsn = arguments.get("secret"), arguments.get("dsn")
        if isinstance(dsn, str) and not isinstance(key, str):
            return dsn
        if not isinstance(key, str) or isinstance(dsn, str):
            raise ToolCallRefused("Say one of 'secret' and 'dsn': the database's address is in the vault.")
        if self._room.secrets is None:
            raise ToolCallRefused("Secrets are not at hand here: only runs and people who are signed in open them.")
        return (await self._room.secrets.open([key], tool="SqlQuery"))[key]


def insist_reading(sql: str) -> None:
    """Raise ToolCallRefused for what is no reading statement, or calls what acts in spite of a reading transaction."""
    if not _READING.match(sql):
        raise ToolCallRefused("Only reading is done here: begin with SELECT, WITH, VALUES or TABLE.")
    if "\x00" in sql:
        raise ToolCallRefused("The statement holds a character that SQL does not have.")
    if found := _ACTING.search(sql):
        raise ToolCallRefused(f"{found[0][:60]!r} does more than read, and is not called from here.")


def _target_of(dsn: str) -> _Target:
    try:
        said = {name: str(value) for name, value in conninfo_to_dict(dsn.strip()).items() if value not in (None, "")}
        port = int(said.get("port", "5432"))
    except (psycopg.ProgrammingError, ValueError):
        # Neither the text nor what is wrong with it is repeated: it is a secret.
        raise ToolFailed("The secret holds no address such as postgresql://user:password@host/database.") from None
    if strange := sorted(said.keys() - _DSN_MEMBERS):
        raise ToolFailed(f"The database's address says {strange[0]!r}, which is not taken from here.")
    host = said.get("host", "")
    if not host or host.startswith(("/", "@")) or "," in host or not 0 < port < 65536:
        raise ToolFailed("The database's address is to name one host: no socket of this machine, and no list.")
    mode = said.get("sslmode", "prefer")
    if mode not in _SSL_MODES:
        raise ToolFailed(f"The database's address asks for sslmode {mode[:20]!r}. Use one of {sorted(_SSL_MODES)}.")
    user = said.get("user", "")
    if not user:
        raise ToolFailed("The database's address names no user.")
    return _Target(read_host(host), port, said.get("dbname", user), user, said.get("password", ""), mode)


def _judged(policy: EgressPolicy, target: _Target, resolver: Resolver) -> Sequence[Address]:
    """Return the addresses that may be connected to: all of a host's, or none. Its port is the database's own."""
    from ipaddress import ip_address

    policy.check_target("https", target.host, port=target.port)
    try:
        answers = resolver(target.host, target.port)
    except OSError:
        raise ToolUnavailable(f"{target.host!r} does not resolve. Check the database's address.") from None
    addresses = [ip_address(answer) for answer in dict.fromkeys(answers)]
    for address in addresses:
        if policy.opens(address, target.port):
            continue
        if policy.local_only and not is_local(address):
            raise EgressRefused(host=target.host, because="only local addresses are reached in local-only mode")
        if not policy.local_only and not is_public(address):
            because = "it leads to a private, local or reserved address; CODEXOS_EGRESS_ALLOW can open it"
            raise EgressRefused(host=target.host, because=because)
    return addresses


@asynccontextmanager
async def _connected(
    target: _Target, addresses: Sequence[Address], seconds: float
) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Connect to exactly what was judged; whatever the environment of this process says about databases is left out."""
    milliseconds = max(1, int(seconds * 1000))
    link = await psycopg.AsyncConnection.connect(
        host=target.host,
        hostaddr=str(addresses[0]),
        port=target.port,
        dbname=target.database,
        user=target.user,
        password=target.password,
        sslmode=target.ssl_mode,
        sslrootcert="system" if target.ssl_mode == "verify-full" else "",
        sslcertmode="disable",
        gssencmode="disable",
        passfile="/dev/null",
        application_name="CodexOS SqlQuery",
        connect_timeout=_CONNECT_SECONDS,
        client_encoding="utf8",
        options=(
            f"-c default_transaction_read_only=on -c statement_timeout={milliseconds} -c lock_timeout={milliseconds} "
            f"-c idle_in_transaction_session_timeout={milliseconds + 5_000}"
        ),
        cursor_factory=psycopg.AsyncRawCursor,
        autocommit=True,
    )
    try:
        yield link
    finally:
        await link.close()


async def _rows(
    link: psycopg.AsyncConnection[Any], sql: str, parameters: Sequence[Any], *, most: int
) -> tuple[list[JsonObject], bool]:
    powers = await (await link.execute(_POWERS)).fetchone()
    if powers is None or powers[0]:
        raise ToolFailed(
            "The database's user may do more than read: it is a superuser, or may use files and programs of the "
            "server. Put the address of a user that only reads into the vault."
        )
    await link.execute("begin transaction isolation level repeatable read read only")
    # Within a sub-select nothing that changes data is SQL at all, and no row is sent that is larger than it may be.
    asked = _ASKED.format(row_bytes=ROW_BYTES, sql=sql.rstrip().rstrip(";"), most=most + 1)
    found: list[JsonObject] = []
    size, is_cut = 0, False
    async with link.cursor() as cursor:
        # As a stream: it goes as one statement, by the server's own word, and holds one row in memory.
        async for (said,) in cursor.stream(asked.encode(), parameters or None):
            size += len(said or "")
            if said is None:
                is_cut = True
            elif len(found) >= most or size > RESULT_BYTES:
                is_cut = True
                break
            else:
                found.append(json.loads(said))
    return found, is_cut


def _parameter(value: JsonValue) -> Any:
    return Jsonb(value) if isinstance(value, Mapping | list | tuple) else value


def _trouble(error: psycopg.OperationalError, target: _Target) -> ToolFailed | ToolUnavailable:
    if isinstance(error, psycopg.errors.QueryCanceled):
        return ToolFailed("The statement was ended: it took too long, or waited for a lock. Ask for less.")
    if error.sqlstate:
        return ToolFailed(f"PostgreSQL says: {_said(error)}", sqlstate=error.sqlstate)
    if "password authentication failed" in str(error) or "no password supplied" in str(error):
        return ToolFailed(f"The database at {target.host!r} refuses the user or password that the secret holds.")
    return ToolUnavailable(f"The database at {target.host!r} could not be reached. Try again later.")


def _said(error: psycopg.Error) -> str:
    first = error.diag.message_primary or str(error).partition("\n")[0] or "something went wrong"
    return f"{first[:500].rstrip('.')}."
