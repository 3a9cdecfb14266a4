"""Weights: read, judged, planned for, held and lent."""
