# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Is a failed step tried again, and after how long a rest? Told by its failures alone: a crash is none."""

import hashlib
from uuid import UUID

from agents.engine.decide import Step
from agents.engine.errors import StepIdle, StepTimedOut
from agents.engine.graph import Node
from agents.engine.journal import usage_from
from agents.engine.outcomes import Again, Failed, StepError
from agents.engine.steps import Effect
from codexos.kernel.chat import Paid, Usage
from codexos.kernel.errors import CodexosError

LONGEST_WISH_SECONDS = 600.0
"""How long the other side may ask us to stay away before a step is tried again."""


def judge(step: Step, effect: Effect, *, error: CodexosError, node: Node, run_id: UUID) -> Again | Failed:
    """Say what follows from an error met while performing ``effect``."""
    # An effect that may have happened is not tried again behind people's backs, whatever the node says.
    if _may_pass(error, node) and effect.may_repeat and step.failures + 1 < node.attempts:
        rest = _seconds_before_next(step, error, node=node, run_id=run_id)
        return Again(StepError.of(error), rest, _cost_of(error, effect))
    return Failed(StepError.of(error), _cost_of(error, effect))


def _cost_of(error: CodexosError, effect: Effect) -> Usage:
    """What an effect cost that gave nothing: of one that we stopped waiting for, what it was estimated at."""
    if isinstance(error, Paid):
        return error.usage
    is_ours = isinstance(error, StepTimedOut | StepIdle)
    return usage_from(effect.intent.get("estimate")) if is_ours else Usage()


def _may_pass(error: CodexosError, node: Node) -> bool:
    if node.retry_on is None:
        return error.retryable
    # Who names a kind of error means every error of that kind.
    kinds = (kind for kind in type(error).__mro__ if issubclass(kind, CodexosError))
    return any(kind.code in node.retry_on for kind in kinds)


def _seconds_before_next(step: Step, error: CodexosError, *, node: Node, run_id: UUID) -> float:
    whole = min(node.backoff_seconds * 2.0**step.failures, node.max_backoff_seconds)
    ours = whole * (1.0 - node.jitter * _share(step, run_id))
    wished = error.details.get("retry_after_seconds")
    return max(ours, min(float(wished), LONGEST_WISH_SECONDS)) if isinstance(wished, int | float) else ours


def _share(step: Step, run_id: UUID) -> float:
    """Draw a number from 0 to 1 that is another for each run, step and failure, and always the same for these."""
    drawn = hashlib.sha256(f"{run_id}/{step.node_id}/{step.failures}".encode()).digest()
    return int.from_bytes(drawn[:4]) / 2**32
