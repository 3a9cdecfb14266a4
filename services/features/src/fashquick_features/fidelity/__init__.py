"""Whether a garment survived in a finished picture, in numbers."""

from fashquick_features.fidelity.analysers import Analysers, OwnAnalysers
from fashquick_features.fidelity.score import FidelityScorer

__all__ = ["Analysers", "FidelityScorer", "OwnAnalysers"]
