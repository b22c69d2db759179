# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of llm: whom an organization may ask, by which names, and by which rules."""

from llm.models.providers import Capability, Deployment, KeyFolder, Provider
from llm.models.routes import ModelRules, Route, RouteStep

__all__ = ["Capability", "Deployment", "KeyFolder", "ModelRules", "Provider", "Route", "RouteStep"]
