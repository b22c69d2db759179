# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of llm: whom an organization may ask, by which names and rules, what that cost and what it may cost."""

from llm.models.batches import BatchedCall
from llm.models.budgets import Budget, BudgetPeriod, BudgetScope, BudgetSpan, Reservation
from llm.models.calls import CallOutcome, LlmCall
from llm.models.embeddings import KeptEmbedding
from llm.models.kept_answers import KeptAnswer
from llm.models.prices import CostRules, Price
from llm.models.providers import Capability, Deployment, KeyFolder, Provider
from llm.models.routes import ModelRules, Route, RouteStep

__all__ = [
    "BatchedCall",
    "Budget",
    "BudgetPeriod",
    "BudgetScope",
    "BudgetSpan",
    "CallOutcome",
    "Capability",
    "CostRules",
    "Deployment",
    "KeptAnswer",
    "KeptEmbedding",
    "KeyFolder",
    "LlmCall",
    "ModelRules",
    "Price",
    "Provider",
    "Reservation",
    "Route",
    "RouteStep",
]
