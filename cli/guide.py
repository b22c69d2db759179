# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``codexos help``: what is worth knowing beside the commands themselves."""

from collections.abc import Mapping
from typing import Annotated

import typer

from .exits import table_text
from .faults import usage
from .screen import say

_ENVIRONMENT = """\
  CODEXOS_URL       the server's address; wins over the profile's
  CODEXOS_TOKEN     an API token; wins over the profile's
  CODEXOS_PROFILE   the sign-in to use, as --profile says it
  CODEXOS_PROJECT   the project to use where --project names none
  XDG_CONFIG_HOME   where sign-ins are kept: codexos/profiles.json below it
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY   the way out; this machine's own addresses need none
  SSL_CERT_FILE     the authorities that are trusted
  NO_COLOR          no colors"""

TOPICS: Mapping[str, str] = {"exit-codes": table_text(), "environment": _ENVIRONMENT}


def show_help(topic: Annotated[str, typer.Argument(metavar="[TOPIC]", help="exit-codes or environment.")] = "") -> None:
    """Explain exit codes and the environment."""
    if not topic:
        say("codexos --help lists the commands, codexos COMMAND --help explains one.\n")
        say(f"codexos help TOPIC: {', '.join(TOPICS)}.")
        return
    if topic not in TOPICS:
        raise usage(f"There is no topic {topic!r}. There are: {', '.join(TOPICS)}.")
    say(TOPICS[topic])
