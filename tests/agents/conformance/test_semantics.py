# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every promise of the engine has a case in this suite."""

from importlib import import_module
from pathlib import Path

from tests.agents.conformance.semantics import CASES, SEMANTICS


def test_every_promise_has_a_case():
    for path in Path(__file__).parent.glob("test_*.py"):
        import_module(f"{__package__}.{path.stem}")
    assert [name for name, cases in CASES.items() if not cases] == []
    assert len(set(SEMANTICS)) == len(SEMANTICS)
