# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every promise of the engine has a case in this suite, or is known to be without one."""

from importlib import import_module
from pathlib import Path

from tests.agents.conformance.semantics import CASES, SEMANTICS, TO_COME


def test_every_promise_has_a_case_or_is_known_to_have_none():
    for path in Path(__file__).parent.glob("test_*.py"):
        import_module(f"{__package__}.{path.stem}")
    assert {name for name, cases in CASES.items() if not cases} == TO_COME
    assert len(set(SEMANTICS)) == len(SEMANTICS)
