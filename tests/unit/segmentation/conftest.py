"""One segmenter for all tests of this folder: loading and warming it up takes half a second."""

from __future__ import annotations

import pytest

from fashquick_segmentation.embedded import EmbeddedSegmenter


@pytest.fixture(scope="session")
def segmenter() -> EmbeddedSegmenter:
    made = EmbeddedSegmenter()
    made.warm_up()
    return made
