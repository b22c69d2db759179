# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Organizations with providers of their own, for tests: real servers on this machine, keys in the vault."""

from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync

from accounts.actor import Actor
from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta, Message
from llm.models import Deployment, Provider, Route
from llm.operations.askers import Asker
from llm.operations.catalogs import catalogs
from llm.operations.chat import chat_stream
from llm.operations.deployments import DeploymentEdit, create_deployment
from llm.operations.providers import ProviderEdit, create_provider
from llm.operations.routes import RouteEdit, create_route
from tests.factories import Someone, World
from tests.fakes.openai import Provider as Server
from vault.models import SecretScope
from vault.operations.secrets import Folder, put_secret


def put_key(actor: Actor, name: str, value: str, *, folder: Folder | None = None, **edit: Any) -> None:
    """Put a key into the organization's folder, or another."""
    put_secret(actor, name, value.encode(), folder=folder or Folder(SecretScope.ORGANIZATION), **edit)


def connect(actor: Actor, server: Server, *, name: str = "Local", **more: Any) -> Provider:
    """Connect to a server, with its key in the vault under the name in lower case."""
    key = f"{name.lower()}_key"
    if "key" not in more:
        put_key(actor, key, server.key)
    return create_provider(actor, ProviderEdit(name=name, base_url=server.url, **{"kind": "vllm", "key": key, **more}))


def deploy(actor: Actor, provider: Provider, name: str, *, model: str = "gpt-4o", **more: Any) -> Deployment:
    """Offer a model of the server."""
    more.setdefault("context_tokens", 128_000)
    return create_deployment(actor, DeploymentEdit(provider=str(provider.pk), name=name, model=model, **more))


def route(
    actor: Actor, name: str, deployments: Sequence[Deployment], *, project: str | None = None, **more: Any
) -> Route:
    """Name a choice of them."""
    edit = RouteEdit(name=name, deployments=[str(each.pk) for each in deployments], **{"retries": 0, **more})
    return create_route(actor, edit, project=project)


def asker_in(world: World, who: Someone | None = None) -> Asker:
    """Return the asker of a run of somebody in the project."""
    return Asker(
        world.acme.pk,
        team_id=world.team.pk,
        project_id=world.project.pk,
        person_id=(who or world.dev).person.pk,
    )


def ask(asker: Asker, model: str, text: str = "Who lit the lamp?", **more: Any) -> tuple[str, ChatAnswer]:
    """Ask the gateway; return what was shown on the way, and the answer."""
    options = {name: more.pop(name) for name in ("allows_substitutes",) if name in more}
    request = ChatRequest(model, more.pop("messages", [Message("user", text)]), **more)
    catalogs.forget(asker.organization_id)

    async def collect() -> tuple[str, ChatAnswer]:
        shown, answers = [], []
        async for piece in chat_stream(request, asker=asker, **options):
            if isinstance(piece, Delta):
                shown.append(piece.text)
            else:
                answers.append(piece)
        (answer,) = answers
        return "".join(shown), answer

    return async_to_sync(collect)()


def way_of(answer: ChatAnswer) -> list[tuple[str, str | None]]:
    """Return who was asked, and what came of it."""
    return [(attempt.deployment, attempt.error) for attempt in answer.attempts]
