# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Calls that end after their run was settled are counted once, whoever else is still on the way."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import UsageRecord
from accounts.operations.usage import Metered, record_all_usage
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.chat import Usage
from codexos.kernel.ids import new_id
from llm.models import CallOutcome
from llm.operations import calls
from llm.operations.calls import CallBegun, CallEnded, count_late_calls
from llm.operations.spending import settle
from tests.factories import World
from tests.llm.asking import asker_of


def test_runs_that_go_on_for_days_are_in_nobodys_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST_AT_ONCE", 1)
    settled, going_on = new_id(), [new_id() for _ in range(3)]
    for run in (*going_on, settled):
        begun = CallBegun(asker_of(world, run_id=run), "OpenAI", "openai", "gpt-4o")
        settle(begun, CallEnded(CallOutcome.ANSWERED, Usage(10, 5), Decimal("0.25")))
    with tenant(world.acme.pk):
        ended = Metered(kind="run.tokens", quantity=0, unit="tokens", cost_usd=Decimal(0), run_id=settled)
        record_all_usage(world.acme.pk, [ended])
    later = clock.now() + timedelta(hours=1)
    assert count_late_calls(world.acme.pk, before=later) == 1
    assert count_late_calls(world.acme.pk, before=later) == 0
    with tenant(world.acme.pk):
        rows = UsageRecord.objects.for_organization(world.acme.pk).filter(kind="run.tokens").order_by("pk")
        assert [(row.run_id, row.quantity, row.cost_usd) for row in rows] == [
            (settled, 0, 0),
            (settled, 15, Decimal("0.25")),
        ]
