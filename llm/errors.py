# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with models."""

import math
from collections.abc import Sequence

from codexos.kernel.chat import Paid, Usage
from codexos.kernel.errors import Broken, Conflict, InvalidInput, LimitReached, NotFound, Unavailable


class ModelUnavailable(Unavailable):
    """The model did not answer, or broke off; another attempt may."""

    @property
    def retry_after(self) -> float | None:
        """After how many seconds the provider wants to be asked again, where it said so."""
        seconds = self.details.get("retry_after_seconds")
        return float(seconds) if isinstance(seconds, int | float) else None


class ModelRateLimited(ModelUnavailable):
    """The provider is asked too often with this key; it may say when again."""


class ModelOverloaded(ModelUnavailable):
    """The provider has more to do than it can, whoever asks."""


class ModelTimedOut(ModelUnavailable):
    """The model took longer than it may."""


class ModelUnreachable(ModelUnavailable):
    """No connection to the provider, or one that broke."""


class ModelAnswerInvalid(Unavailable):
    """What came back is no answer of the protocol."""

    def __init__(self, *, model: str, provider: str, because: str) -> None:
        super().__init__(
            f"{provider} did not answer for model {model!r} as a chat model does: {because}. "
            "See that the address leads to the API of a provider of that kind, and try again.",
            model=model,
        )


class ModelUnknown(InvalidInput):
    """Nobody here or at the provider knows a model of that name."""


class ModelNotConfigured(InvalidInput):
    """No key is configured for the model, and the organization allows no substitutes."""

    def __init__(self, *, model: str) -> None:
        super().__init__(
            f"No model key is configured for {model!r}, and this organization allows no substitutes. Name another "
            "model, let the operator configure a key, or let an admin allow substitutes in the settings.",
            model=model,
        )


class ModelResting(ModelUnavailable):
    """The deployment failed several times in a row and is left alone for a while."""

    def __init__(self, *, name: str, seconds: float) -> None:
        super().__init__(
            f"Model {name!r} failed several times in a row, so it was not asked. It is tried again in "
            f"{math.ceil(seconds)} seconds.",
            model=name,
            retry_after_seconds=round(seconds, 3),
        )


class ModelLimitReached(ModelUnavailable):
    """The organization's own limits leave no room this minute."""

    def __init__(self, *, whose: str, seconds: float) -> None:
        super().__init__(
            f"{whose} allows no more requests or tokens this minute. There is room again in "
            f"{math.ceil(seconds)} seconds; an admin can raise the limit.",
            retry_after_seconds=round(seconds, 3),
        )


class ProviderNotFound(NotFound):
    """No such provider in this organization."""


class DeploymentNotFound(NotFound):
    """No such deployment in this organization."""


class RouteNotFound(NotFound):
    """No such route, or one of a project that the actor does not see."""


class ModelInvalid(InvalidInput):
    """What was said of a provider, a deployment or a route does not hold together."""

    def __init__(self, message: str, *, place: str) -> None:
        super().__init__(message, errors=[{"place": place, "message": message}])


class ModelNameTaken(Conflict):
    """Another provider, deployment or route has the name."""

    def __init__(self, *, name: str, noun: str) -> None:
        message = f"There is another {noun} called {name!r} here. Choose another name."
        super().__init__(message, errors=[{"place": "name", "message": message}])


class RouteInUse(Conflict):
    """A route that flows name is deleted by nobody who does not say that they know it."""

    def __init__(self, *, name: str, by: Sequence[str]) -> None:
        named = ", ".join(repr(each[:60]) for each in by[:10]) + (f" and {len(by) - 10} more" if len(by) > 10 else "")
        super().__init__(
            f"Flows name the route {name!r}: {named}. They find no model by that name any more. Say so with "
            "'even_if_used', or have them name another first.",
            flows=list(by),
        )


class ProviderInUse(Conflict):
    """A provider at which deployments stand cannot be deleted."""

    def __init__(self, *, name: str, by: Sequence[str]) -> None:
        super().__init__(
            f"Provider {name!r} serves {', '.join(by[:10])}. Delete these deployments first.", used_by=list(by[:100])
        )


class DeploymentInUse(Conflict):
    """A deployment that routes lead to cannot be deleted."""

    def __init__(self, *, name: str, by: Sequence[str]) -> None:
        super().__init__(
            f"Deployment {name!r} is a part of {', '.join(by[:10])}. Take it out of these routes first.",
            used_by=list(by[:100]),
        )


class ModelKeyUnusable(Conflict):
    """The provider's key cannot be had from the vault: it is gone, expired, not shared with who asks, or denied."""

    def __init__(self, *, provider: str, key: str, because: str) -> None:
        super().__init__(
            f"Provider {provider!r} has its key in the secret {key!r}, which cannot be used: {because} Put the secret "
            "again, share it, or give the provider another key.",
            provider=provider,
            key=key,
        )


class ModelSwitchedOff(Conflict):
    """Who was named is set up and switched off."""

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"Model {name!r} is switched off, or every deployment of it is. Name another, or have it switched on.",
            model=name,
        )


class ModelLacks(InvalidInput):
    """The model cannot do what is asked of it, by what its deployment says."""

    def __init__(self, *, name: str, lacks: Sequence[str]) -> None:
        super().__init__(
            f"Model {name!r} is set up without {', '.join(lacks)}, which this request needs. Choose another, or say in "
            "its deployment that it can.",
            model=name,
        )


class RoutesUnreadable(Unavailable):
    """Which models an organization has set up cannot be looked up now."""

    def __init__(self) -> None:
        super().__init__("The models of this organization cannot be looked up now. Try again.")


class ModelKeyRefused(Conflict):
    """The provider does not take the configured key, or not for this model."""


class ModelRequestRefused(InvalidInput):
    """The provider understood what was asked and will not do it."""


class ModelInputTooLong(InvalidInput):
    """More was said than the model takes."""


class ModelQuotaSpent(LimitReached):
    """The account at the provider has nothing left to spend."""


class ModelAnswerTooLarge(LimitReached):
    """The model went on for longer than anything is taken."""


class BudgetReached(LimitReached):
    """A budget lets no more calls begin that cost something; nothing was sent."""


class BudgetPriceUnknown(LimitReached):
    """The price of a model is not known, and a hard budget lets no call of unknown cost begin; nothing was sent."""


class BudgetNotFound(NotFound):
    """No such budget, or none you may see."""


class PriceNotFound(NotFound):
    """No such price of the organization's own."""


class BudgetInvalid(InvalidInput):
    """What was sent is no budget."""

    def __init__(self, message: str, *, place: str) -> None:
        super().__init__(message, errors=[{"place": place, "message": message}])


class PriceInvalid(InvalidInput):
    """What was sent is no price, or no rule about costs."""

    def __init__(self, message: str, *, place: str) -> None:
        super().__init__(message, errors=[{"place": place, "message": message}])


class CostsUnreadable(Unavailable):
    """What bounds a call could not be read, so it does not begin."""

    def __init__(self) -> None:
        super().__init__("The budgets of this organization could not be read just now. Try again in a moment.")


class PriceListBroken(Broken):
    """The list of prices is not the one that belongs to this code."""

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__(
            f"The list of prices has the hash {found}, not {expected}. Put back llm/engine/prices/snapshot.json as it "
            "was released, or write it anew with bin/manage write_prices."
        )


class ModelAnswerUnfit(Paid, Conflict):
    """The model was told what was wrong with its answer, and gave one that does not fit its schema again."""

    def __init__(self, *, model: str, because: Sequence[str], usage: Usage) -> None:
        super().__init__(
            f"Model {model!r} did not answer with JSON that fits the schema, asked twice: {'; '.join(because)}. "
            "Say in the prompt what is wanted, simplify the schema, or choose another model.",
            model=model,
            wrong=list(because),
        )
        self.usage = usage


class ToolStepsSpent(Paid, LimitReached):
    """The model goes on asking for tools."""

    def __init__(self, *, model: str, most: int, usage: Usage) -> None:
        super().__init__(
            f"Model {model!r} asked for tools {most} times and still wanted more. Raise the limit of steps, or say in "
            "the prompt when it is to stop.",
            model=model,
            limit=most,
        )
        self.usage = usage


def did_you_mean(near: Sequence[str]) -> str:
    """Return the names to offer instead, to be set inside a sentence."""
    return f" (did you mean {' or '.join(repr(name) for name in near)}?)" if near else ""


def unknown_here(name: str, near: Sequence[str]) -> ModelUnknown:
    """Return the error for a name that is no model's, where no substitute may answer for it."""
    return ModelUnknown(
        f"No model called {name!r} is known here{did_you_mean(near)}, and this organization allows no substitutes. "
        "Correct the name; GET /api/v1/models/ lists what answers.",
        model=name,
    )


class EmbedderUnavailable(Unavailable):
    """The embedded embedder cannot be loaded here. Nothing else embeds in its stead: other vectors would not fit."""

    def __init__(self, *, model: str, because: str, instead: str) -> None:
        super().__init__(f"The embedded model {model!r} cannot be loaded: {because}. {instead}.", model=model)


class EmbeddingInvalid(Unavailable):
    """What came back are no vectors of the texts that were sent."""

    def __init__(self, *, model: str, provider: str, because: str) -> None:
        super().__init__(
            f"{provider} did not embed texts by model {model!r}: {because}. See that it is an embedding model and that "
            "the address leads to its API, and try again.",
            model=model,
        )


class EmbeddingsNotOffered(InvalidInput):
    """A provider without embedding models."""

    def __init__(self, *, provider: str, model: str) -> None:
        super().__init__(
            f"{provider} is not asked for vectors here, so {model!r} cannot embed texts. Name the embedded model "
            "('embedded') or one of another provider.",
            model=model,
        )


class EmbeddingsTooMany(InvalidInput):
    """More text than one request has embedded."""

    def __init__(self, *, texts: int, characters: int, most: int, most_characters: int) -> None:
        super().__init__(
            f"{texts} texts of {characters:,} characters are more than one request takes: {most} texts of "
            f"{most_characters:,} characters in all. Send them in several.",
            texts=texts,
            characters=characters,
        )


class TextEmpty(InvalidInput):
    """Nothing stands in a text, so it means nothing that could lie near to anything."""

    def __init__(self) -> None:
        super().__init__("A text to be embedded is empty. Leave it out.")


class TextTooLarge(InvalidInput):
    """A text that no embedding model reads to its end."""

    def __init__(self, *, characters: int, most: int) -> None:
        super().__init__(
            f"A text to be embedded has {characters} characters; {most} are taken at most. Cut it into chunks.",
            characters=characters,
            limit=most,
        )


class BatchGaveUp(Unavailable):
    """A batch came to nothing; whoever waited for it asks directly."""

    def __init__(self, *, because: str) -> None:
        why = because.rstrip(".")
        super().__init__(f"The provider's batch came to nothing, so the model was asked directly: {why}.")
