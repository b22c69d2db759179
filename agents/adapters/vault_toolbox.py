# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Any toolbox with a vault before it: tools are called with the values, and what they say comes back without them."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from agents.adapters.secrets import RunSecrets
from agents.engine.errors import SecretsNotAtHand
from agents.engine.gate import Occasion, say_nothing
from agents.engine.ports import Toolbox
from agents.engine.secrets import keys_in, opened
from agents.engine.tools import ToolSpec, check_arguments
from agents.errors import ToolBroke
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

logger = logging.getLogger(__name__)


class VaultToolbox:
    """Opens the references in the arguments of calls; without ``secrets`` it refuses them."""

    def __init__(self, tools: Toolbox, secrets: RunSecrets | None) -> None:
        self._tools = tools
        self._secrets = secrets

    def names(self) -> Sequence[str]:
        """See the port."""
        return self._tools.names()

    def describe(self, name: str) -> ToolSpec:
        """See the port."""
        return self._tools.describe(name)

    async def call(self, name: str, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """See the port. Also raises what opening a secret raises, with nothing sent."""
        keys, secrets = keys_in(arguments), self._secrets
        if secrets is None or not (keys or secrets.redactor or self._opens_secrets(name)):
            if keys:
                raise SecretsNotAtHand(keys=keys)
            return await self._tools.call(name, arguments, on=on)
        values = await secrets.open(keys, tool=name, call=on.key) if keys else {}
        try:
            whole = {each: opened(value, values) for each, value in arguments.items()} if keys else arguments
            if keys:
                # As they were written they fit; as they are, they may be too long.
                check_arguments(self._tools.describe(name), whole)
            # What is shown as it comes cannot be searched for secrets that are cut in two.
            result = await self._tools.call(name, whole, on=replace(on, emit=say_nothing) if keys else on)
        except CodexosError as error:
            trouble = secrets.clean(error)
        except Exception:
            # With the log's own redaction: neither the message nor the frames may be told as they are.
            logger.exception("tool %r broke while it held secrets", name)
            trouble = ToolBroke(tool=name)
        else:
            return await secrets.without(result)
        # Outside of the handler, so that nothing of what was caught travels along.
        raise trouble

    async def preview(self, name: str, arguments: JsonObject) -> str | None:
        """See the port. What holds a secret is left out: none is opened before the call is let through."""
        show = getattr(self._tools, "preview", None)
        if show is None:
            return None
        told = await show(name, {each: value for each, value in arguments.items() if not keys_in(value)})
        return cast(str | None, told if self._secrets is None else await self._secrets.without(told))

    def _opens_secrets(self, name: str) -> bool:
        """Whether a tool opens secrets by itself, as one of a server with a key does."""
        return any(each.startswith("secret:") for each in self._tools.describe(name).capabilities)
