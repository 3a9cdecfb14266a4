"""A server with a toy engine as a process of its own: `python -m tests.support.toy_server SERVICE`.

Its engine takes `TOY_WORK_MS` milliseconds a call, without using the processor, so that what is measured is the
services, not the machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from fashquick_common.server.main import run
from fashquick_common.server.settings import ServerSettings
from fashquick_features.servicer import features_service
from fashquick_generation.servicer import generation_service
from fashquick_segmentation.servicer import segmentation_service
from tests.support.toys import STEP_S, Pace, ToyAnalyser, ToyGenerator, ToySegmenter

if TYPE_CHECKING:
    from fashquick_common.server.kit import Kit
    from fashquick_common.server.runtime import Service


def _make_service(service: str) -> Callable[[Kit], Service]:
    pace = Pace(round(float(os.environ["TOY_WORK_MS"]) / 1000 / STEP_S))
    makers: dict[str, Callable[[Kit], Service]] = {
        "segmentation": lambda kit: segmentation_service(kit, ToySegmenter(pace)),
        "features": lambda kit: features_service(kit, ToyAnalyser(pace)),
        "generation": lambda kit: generation_service(kit, ToyGenerator(pace)),
    }
    return makers[service]


if __name__ == "__main__":
    run(sys.argv[1], ServerSettings, lambda _: _make_service(sys.argv[1]))
