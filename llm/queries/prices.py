# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a model costs."""

from llm.engine.prices.rates import FREE, Rate
from llm.engine.prices.snapshot import listed_rate
from llm.queries.deployments import Deployment

OPERATORS_SERVER = "CODEXOS_MODEL_KEY"


def listed_rate_of(deployment: Deployment) -> Rate | None:
    """Return what a deployment takes by the list, None where that is not known.

    A listed name costs the same wherever it is asked: who stands between is paid too. What only the operator's own
    server knows is the operator's to pay.
    """
    rate = listed_rate(deployment.kind, deployment.model)
    return FREE if rate is None and deployment.setting == OPERATORS_SERVER else rate
