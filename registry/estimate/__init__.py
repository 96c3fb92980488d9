"""How much memory a replica will hold, from its files, its options, and what earlier launches held."""

from __future__ import annotations

from registry.estimate.claims import claim_for
from registry.estimate.facts import ModelFacts
from registry.estimate.files import inspect
from registry.estimate.formula import Estimate
from registry.estimate.measured import Peak

__all__ = ["Estimate", "ModelFacts", "Peak", "claim_for", "inspect"]
