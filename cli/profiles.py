# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where one is signed in: a file for this person only, several sign-ins by name; the environment wins."""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .exits import Exit
from .faults import Fault, usage

DEFAULT = "default"


@dataclass(frozen=True)
class Profile:
    """One sign-in: the server's address, a token for it, and the project meant where none is named."""

    url: str
    token: str
    project: str = ""

    def __repr__(self) -> str:
        return f"Profile(url={self.url!r})"  # a token never gets into a message by accident


def profile_name() -> str:
    """Return the name of the sign-in that is meant."""
    return os.environ.get("CODEXOS_PROFILE") or DEFAULT


def profiles_file() -> Path:
    """Return where sign-ins are kept."""
    base = os.environ.get("XDG_CONFIG_HOME") or ""
    folder = Path(base) if os.path.isabs(base) else Path.home() / ".config"
    return folder / "codexos" / "profiles.json"


def current_profile() -> Profile:
    """Return the sign-in to use. Raises Fault where there is none."""
    kept = kept_profiles().get(profile_name())
    url, token = os.environ.get("CODEXOS_URL", ""), os.environ.get("CODEXOS_TOKEN", "")
    url = checked_url(url) if url else (kept.url if kept else "")
    if not token and kept and kept.url == url:  # a kept token goes to the server it was kept for, and to no other
        token = kept.token
    if not url or not token:
        raise Fault(_not_signed_in(url), exit_code=Exit.NOT_SIGNED_IN)
    project = os.environ.get("CODEXOS_PROJECT") or (kept.project if kept and kept.url == url else "")
    return Profile(url, checked_token(token), project)


def kept_profiles() -> dict[str, Profile]:
    """Return every sign-in of the file. Raises Fault where it cannot be read."""
    path = profiles_file()
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): _profile(entry) for name, entry in raw["profiles"].items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise usage(f"{path} does not hold sign-ins any more. Delete it and run codexos login.") from None


def keep_profile(name: str, profile: Profile) -> None:
    """Add or replace a sign-in."""
    _write({**kept_profiles(), name: profile})


def forget_profile(name: str) -> bool:
    """Remove a sign-in; return whether there was one."""
    kept = kept_profiles()
    found = kept.pop(name, None)
    if found is not None:
        _write(kept)
    return found is not None


def is_open_to_others() -> bool:
    """Tell whether somebody else on this machine may read the file."""
    try:
        return bool(stat.S_IMODE(profiles_file().stat().st_mode) & 0o077)
    except OSError:
        return False


def checked_url(url: str) -> str:
    """Return a server's address without its last slash. Raises Fault for what is none."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url.strip())
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise usage(f"{url!r} is no address. Write it like https://codexos.example.com") from None
    if parts.username is not None or parts.password is not None:
        raise usage("Leave name and password out of the address; codexos login takes a token.")
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise usage(f"{url!r} is no address of a server. Write it like https://codexos.example.com")
    return url.strip().rstrip("/")


def checked_token(token: str) -> str:
    """Return a token without blanks around it. Raises Fault for what cannot be one, and does not repeat it."""
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise usage("This is no token: it is one word that begins with cos_pat_. Make one under Settings, Tokens.")
    return token


def _profile(entry: Any) -> Profile:
    return Profile(str(entry["url"]), str(entry["token"]), str(entry.get("project", "")))


def _write(profiles: dict[str, Profile]) -> None:
    path = profiles_file()
    shape = {name: {"url": one.url, "token": one.token, "project": one.project} for name, one in profiles.items()}
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"profiles": shape}, file, indent=2)
        fresh.replace(path)
    except OSError as error:
        raise usage(f"The sign-in cannot be kept in {path}: {error.strerror}.") from None


def _not_signed_in(url: str) -> str:
    name = profile_name()
    if url:
        return f"No token for {url}. Set CODEXOS_TOKEN, or run codexos login."
    which = "" if name == DEFAULT else f" as profile {name!r}"
    return f"You are not signed in{which}. Run codexos login, or set CODEXOS_URL and CODEXOS_TOKEN."
