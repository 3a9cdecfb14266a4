"""The segmenter that needs nothing but its wheel: a small network of our own, then a cut along colours."""

from fashquick_segmentation.embedded.segmenter import EmbeddedSegmenter

__all__ = ["EmbeddedSegmenter"]
