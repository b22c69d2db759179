# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What tests of the protocol borrow of those of runs."""

from tests.agents.test_calls_of_runs import outside, ruling

__all__ = ["outside", "ruling"]
