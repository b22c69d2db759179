# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The catalogue of commands that may be started as servers: a file of the operator, signed, or there is none.

Whoever can write the file cannot add a command to it without the signing key, and whoever sets up a server can choose
a command by its name and nothing else: neither its words nor its environment.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from agents.adapters.sandbox import Job, JobLimits
from agents.adapters.shelves.kinds import ServerPlace
from agents.errors import ToolServerInvalid
from agents.errors.mcp import CatalogueInvalid, CommandNotAllowed
from codexos.kernel.jsontypes import JsonValue
from codexos.kernel.sealing import is_signed, sign, verifying_key

SESSION_SECONDS = 600.0
"""How long a command may run."""
OUTPUT_BYTES = 16 * 1024 * 1024
LARGEST = 1024 * 1024
_PURPOSE = b"codexos mcp catalogue v1\n"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:\d{1,5})?")
_MOST_HOSTS = 20
_MEMBERS = frozenset({"command", "description", "env", "key_env", "python", "memory_mb", "hosts"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that may be started. ``key_env`` is the variable in which it is given a server's key.

    ``hosts`` are those it may reach by HTTP, through the proxy; without any there is no network.
    """

    name: str
    command: tuple[str, ...]
    description: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    key_env: str = ""
    python: bool = False
    memory_mb: int = 256
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The commands there are, by name."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def entry(self, name: str) -> Entry:
        """Return a command. Raises CommandNotAllowed."""
        if name not in self.entries:
            raise CommandNotAllowed(name=name, known=sorted(self.entries))
        return self.entries[name]


def catalogue() -> Catalogue:
    """Return the operator's catalogue as it is now; an empty one where there is none. Raises CatalogueInvalid."""
    path = Path(settings.MCP_CATALOGUE)
    try:
        told = path.stat()
    except OSError:
        return Catalogue()
    if told.st_size > LARGEST:
        raise CatalogueInvalid(because=f"it is larger than {LARGEST:,} bytes")
    return _read(path, told.st_mtime_ns, verifier())


def known_command(name: str) -> Entry | None:
    """Return a command of the catalogue; None where there is none of that name, or the catalogue cannot be read."""
    try:
        return catalogue().entries.get(name)
    except CatalogueInvalid:
        return None


def verifier() -> bytes:
    """Return the public key that a catalogue has to be signed for: the operator's, else this installation's."""
    named = settings.MCP_CATALOGUE_KEY
    return bytes.fromhex(named) if named else verifying_key(settings.MCP_CATALOGUE_SEED)


def signed(commands: Mapping[str, JsonValue], *, seed: bytes) -> str:
    """Return the text of a catalogue with its signature. Raises CatalogueInvalid where it says what none may."""
    _entries(commands)
    signature = base64.b64encode(sign(seed, _message(commands))).decode()
    return json.dumps({"commands": commands, "signature": signature}, indent=2, ensure_ascii=False) + "\n"


def check_command(place: ServerPlace) -> None:
    """Look over which command a server is. Raises ToolServerInvalid."""
    name = str(place.config.get("command", ""))
    if set(place.config) - {"command", "trust_read_only"}:
        raise ToolServerInvalid("config", "Say the command's name in the catalogue, and nothing else of it.")
    try:
        entry = catalogue().entry(name)
    except (CatalogueInvalid, CommandNotAllowed) as error:
        raise ToolServerInvalid("config", error.message) from None
    if place.address:
        raise ToolServerInvalid("address", "A command has no address. Leave it out.")
    if place.key and not entry.key_env:
        raise ToolServerInvalid("key", f"The command {name!r} takes no key.")


def job_of(entry: Entry, *, key: str = "") -> Job:
    """Return what the sandbox starts: without any network, in a folder that is new and empty."""
    env = {**entry.env, **({entry.key_env: key} if key and entry.key_env else {})}
    memory = entry.memory_mb * 1024 * 1024
    limits = JobLimits(seconds=SESSION_SECONDS, memory_bytes=memory, output_bytes=OUTPUT_BYTES)
    return Job(entry.command, env=env, limits=limits, python=entry.python)


@lru_cache(maxsize=4)
def _read(path: Path, _written_at: int, key: bytes) -> Catalogue:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        commands, signature = said["commands"], base64.b64decode(said["signature"], validate=True)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise CatalogueInvalid(because="it cannot be read: it is JSON with 'commands' and their 'signature'") from None
    # Before anything of it is looked at.
    if not is_signed(key, _message(commands), signature=signature):
        raise CatalogueInvalid(because="it was not signed for this installation, or changed since it was")
    return Catalogue(_entries(commands))


def _message(commands: Any) -> bytes:
    return _PURPOSE + json.dumps(commands, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _entries(commands: Any) -> Mapping[str, Entry]:
    if not isinstance(commands, Mapping):
        raise CatalogueInvalid(because="'commands' is an object of commands by name")
    return {str(name): _entry(str(name), said) for name, said in commands.items()}


def _entry(name: str, said: Any) -> Entry:
    if not _NAME.fullmatch(name) or not isinstance(said, Mapping) or set(said) - _MEMBERS:
        raise CatalogueInvalid(because=f"{name[:60]!r} is no command: it says {', '.join(sorted(_MEMBERS))}")
    command, env = said.get("command"), said.get("env", {})
    if not _are_words(command) or not isinstance(env, Mapping) or not all(map(_VARIABLE.fullmatch, map(str, env))):
        raise CatalogueInvalid(because=f"the command of {name!r} is a list of words, and 'env' texts by variables")
    if said.get("key_env") and not _VARIABLE.fullmatch(str(said["key_env"])):
        raise CatalogueInvalid(because=f"the key_env of {name!r} is the name of a variable")
    memory = said.get("memory_mb", 256)
    if isinstance(memory, bool) or not isinstance(memory, int) or not 16 <= memory <= 4096:
        raise CatalogueInvalid(because=f"the memory_mb of {name!r} is a number from 16 to 4096")
    hosts = said.get("hosts", [])
    if not isinstance(hosts, list) or len(hosts) > _MOST_HOSTS or not all(_HOST.fullmatch(str(each)) for each in hosts):
        raise CatalogueInvalid(
            because=f"the hosts of {name!r} are a list of up to {_MOST_HOSTS} names in small letters"
        )
    return Entry(
        name,
        tuple(map(str, command or ())),
        description=str(said.get("description", ""))[:500],
        env={str(each): str(value) for each, value in env.items()},
        key_env=str(said.get("key_env", "")),
        python=said.get("python") is True,
        memory_mb=memory,
        hosts=tuple(map(str, hosts)),
    )


def _are_words(command: Any) -> bool:
    is_list = isinstance(command, Sequence) and not isinstance(command, str) and 0 < len(command) <= 50
    return is_list and all(isinstance(word, str) and word and "\0" not in word for word in command)
