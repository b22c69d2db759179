# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Typed readers of the environment. A setting that is missing or malformed stops the process with a sentence."""

import gc
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from codexos.kernel.egress import EgressAllowInvalid, parse_egress_allow
from codexos.keys import openness_of, parse_key, weakness_of

# Settings are the first that a process of the product reads. What it loads then stays until its end, and what it does
# afterwards leaves next to nothing behind that only the collector finds: as often as usual, looking for that takes a
# fifth of a start and a twentieth of each request.
gc.set_threshold(50_000, 20, 50)

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class SettingInvalid(SystemExit):
    """A setting is missing or malformed; the process must not start."""


class Environment:
    """Reads settings from ``variables`` and, for ``NAME_FILE``, from the file named there."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    def text(self, *names: str, default: str | None = None) -> str:
        """Return the first of ``names`` that is set. Raises SettingInvalid where none is and there is no default."""
        for name in names:
            if value := self._variables.get(name):
                return value
            if path := self._variables.get(f"{name}_FILE"):
                return self._read(path, name=name)
        if default is None:
            raise SettingInvalid(f"{names[0]} is not set. Set it, or {names[0]}_FILE; .env.template explains it.")
        return default

    def _read(self, path: str, *, name: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingInvalid(f"{name}_FILE names {path!r}, which cannot be read: {error.strerror}.") from error

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a yes or no. Raises SettingInvalid on anything else."""
        value = self.text(name, default="1" if default else "0").lower()
        if value in {"1", "true", "yes", "on"}:
            return True
        if value in {"0", "false", "no", "off", ""}:
            return False
        raise SettingInvalid(f"{name} is {value!r}; write on or off.")

    def number(self, name: str, *, default: int) -> int:
        """Return a whole number. Raises SettingInvalid on anything else."""
        value = self.text(name, default=str(default))
        try:
            return int(value)
        except ValueError:
            raise SettingInvalid(f"{name} is {value!r}; write a whole number.") from None

    def words(self, name: str, *, default: str = "") -> list[str]:
        """Return a comma-separated list without blanks."""
        return [word.strip() for word in self.text(name, default=default).split(",") if word.strip()]

    def choice(self, name: str, *, among: tuple[str, ...], default: str) -> str:
        """Return one of ``among``. Raises SettingInvalid on anything else."""
        value = self.text(name, default=default)
        if value not in among:
            raise SettingInvalid(f"{name} is {value!r}; write one of {', '.join(among)}.")
        return value

    def web_address(self, name: str, *, default: str = "") -> str:
        """Return an http or https address without a slash at its end. Raises SettingInvalid on anything else."""
        value = self.text(name, default=default).rstrip("/")
        if value and not _is_web_address(value):
            # Not repeated: somebody may have written a key into it.
            raise SettingInvalid(f"{name} must look like http://127.0.0.1:8080/v1, without a name, password or query.")
        return value

    def bearer(self, name: str) -> str:
        """Return a key as it travels in a header, or "". Raises SettingInvalid where a header could not carry it."""
        value = self.text(name, default="").strip()
        if value and not (value.isascii() and value.isprintable() and " " not in value):
            raise SettingInvalid(f"{name} holds blanks, line breaks or letters that no key has. Copy it again.")
        return value

    def openings(self, name: str) -> str:
        """Return a list of addresses to open, or "". Raises SettingInvalid where it cannot be read."""
        value = self.text(name, default="")
        try:
            parse_egress_allow(value)
        except EgressAllowInvalid as error:
            raise SettingInvalid(f"{name}: {error.message}") from None
        return value

    def secret(self, *names: str, default: str | None = None) -> str:
        """Return a key, token or password. Raises SettingInvalid where its file is open to others."""
        for name in names:
            if not self._variables.get(name) and (path := self._variables.get(f"{name}_FILE")):
                _check_private(path, name=name)
        return self.text(*names, default=default).strip()

    def headers(self, name: str) -> dict[str, str]:
        """Return headers written as ``Name=value,Other=value``, values percent-encoded where need be.

        Raises SettingInvalid, which repeats none of them: they are keys, mostly.
        """
        pairs = [pair.partition("=") for pair in self.secret(name, default="").split(",") if pair.strip()]
        headers = {key.strip(): unquote(value.strip()) for key, _, value in pairs}
        if not all(_HEADER_NAME.fullmatch(key) and _is_header_value(value) for key, value in headers.items()):
            raise SettingInvalid(
                f"{name} must look like Authorization=Basic%20abc,Other=value: names and values of headers."
            )
        return headers

    def key(self, *names: str) -> bytes:
        """Return 32 bytes written as base64 or hex. Raises SettingInvalid otherwise: there is no default key."""
        return _read_key(self.secret(*names), name=names[0])

    def keys(self, name: str) -> list[bytes]:
        """Return keys of 32 bytes with blanks or commas between them; none is fine. Raises SettingInvalid."""
        return [_read_key(text, name=name) for text in self.secret(name, default="").replace(",", " ").split()]


def _is_header_value(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and text == text.strip()


def _read_key(text: str, *, name: str) -> bytes:
    key = parse_key(text)
    if key is None:
        raise SettingInvalid(f"{name} must be 32 bytes in base64 or hex; `openssl rand -base64 32` makes one.")
    if (because := weakness_of(key)) is not None:
        raise SettingInvalid(f"{name} is a weak key: {because}. `openssl rand -base64 32` makes a strong one.")
    return key


def _check_private(path: str, *, name: str) -> None:
    try:
        because = openness_of(Path(path))
    except OSError as error:
        raise SettingInvalid(f"{name}_FILE names {path!r}, which cannot be read: {error.strerror}.") from error
    if because is not None:
        raise SettingInvalid(f"{name}_FILE names {path!r}, but {because}. Run: chmod 400 {shlex.quote(path)}")


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_plain = not (parts.query or parts.fragment or "@" in parts.netloc) and parts.port != 0
    except ValueError:
        return False
    return is_plain and parts.scheme in {"http", "https"} and bool(parts.hostname)


def postgres_settings(url: str, *, name: str) -> dict[str, object]:
    """Return Django's settings for ``postgresql://user:password@host:port/name``; a socket folder goes in ``?host=``.

    Raises SettingInvalid on any other scheme.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise SettingInvalid(f"{name} must start with postgresql://; {parts.scheme!r} is not supported.")
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    host = unquote(query.pop("host", "")) or parts.hostname or ""
    return {
        "ENGINE": "codexos.postgres",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or query.pop("port", "")),
        "OPTIONS": {key: unquote(value) for key, value in query.items()},
    }


def smtp_settings(url: str) -> dict[str, object]:
    """Return Django's mail settings for ``smtp://user:password@host:port`` or ``smtps://…`` (TLS from the start)."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise SettingInvalid("CODEXOS_SMTP_URL must look like smtp://user:password@mail.example.com:587.")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and bool(parts.username),
        "EMAIL_TIMEOUT": 20,
    }
