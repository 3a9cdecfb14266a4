"""Time and memory of a passport, whole and analyser by analyser.

Run: python -m benchmarks.features [--json]. What the answers are worth is measured by features_palette,
features_pattern, features_texture, features_landmarks, features_prints, features_retrieval and features_fidelity, and
by the training scripts' --check for kinds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.drawn import draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category, PatternKind
from fashquick_features.colour import light, palette
from fashquick_features.engine import ReadText, Wishes
from fashquick_features.passport import VIEW_PX, PassportAnalyser
from fashquick_features.pattern import correlation, descriptor, repeats
from fashquick_features.pattern.analysis import PATTERN_PX
from fashquick_features.pattern.flatten import flatten
from fashquick_features.prints.boxes import load_finder
from fashquick_features.prints.reading import find_reader
from fashquick_features.recognition.network import Recogniser
from fashquick_features.shape import landmarks, outline
from fashquick_features.shape.descriptor import describe
from fashquick_features.shape.upright import upright_view
from fashquick_features.texture.cloth import cloth_of
from fashquick_features.texture.descriptor import describe_cloth
from fashquick_features.texture.measures import measure

LONG_SIDE = 1024  # pixels; the goals are stated for it
REPEATS = 15
SILENT, READING = Wishes(read_text=ReadText.NEVER), Wishes()


# What a server of its own does, with nothing else in its memory.
WORKER = """
import re
from pathlib import Path
import numpy as np
from fashquick_common.cancel import CancelFlag
from fashquick_features.engine import ReadText, Wishes
from fashquick_features.passport import PassportAnalyser
from fashquick_features.prints.reading import find_reader
analyser = PassportAnalyser(2, find_reader() if {reading} else None)
analyser.warm_up()
with np.load("{file}") as garment:
    analyser.analyse(garment["photo"], garment["alpha"], Wishes(), CancelFlag())
# Not getrusage: its maximum outlives exec and is then the benchmark's own.
print(int(re.search("VmHWM: *([0-9]+)", Path("/proc/self/status").read_text().replace(chr(9), " "))[1]) / 1024)
"""


def milliseconds(work: Callable[[], object]) -> float:
    """Median time of a call."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return 1e3 * median(taken)


def steps() -> dict[str, float]:
    """Milliseconds of every step on one thread of ours."""
    garment = draw(Category.T_SHIRT, 1, long_side=LONG_SIDE, pattern=PatternKind.GRAPHIC, photo_seed=1)
    photo, alpha, cancel = garment.photo, garment.alpha, CancelFlag()
    shape = outline.trace(alpha)
    frame = outline.upright_frame(shape)
    view = upright_view(photo, alpha, shape.points, frame, VIEW_PX)
    flat = flatten(upright_view(photo, alpha, shape.points, frame, PATTERN_PX))
    levels = correlation.likeness(flat)
    cloth, recogniser, (prints, _) = cloth_of(view), Recogniser(), load_finder()
    seen_light = light.estimate(photo, alpha, cancel)
    return {
        "outline": milliseconds(lambda: outline.trace(alpha)),
        "upright frame": milliseconds(lambda: outline.upright_frame(shape)),
        "upright view": milliseconds(lambda: upright_view(photo, alpha, shape.points, frame, VIEW_PX)),
        "recognition network": milliseconds(lambda: recogniser.look(view)),
        "shape descriptor": milliseconds(lambda: describe(photo, shape, frame)),
        "landmarks": milliseconds(lambda: landmarks.find(photo, alpha, shape, frame, Category.T_SHIRT)),
        "light": milliseconds(lambda: light.estimate(photo, alpha, cancel)),
        "palette": milliseconds(lambda: palette.extract(photo, alpha, seen_light, cancel)),
        "pattern": milliseconds(lambda: descriptor.describe(flat, correlation.likeness(flat))),
        "repeats": milliseconds(lambda: repeats.find(flat, levels)),
        "texture": milliseconds(lambda: (describe_cloth(cloth, cancel), measure(cloth, cancel))),
        "prints": milliseconds(lambda: prints.find(view, cancel)),
    }


def wholes() -> dict[str, float]:
    """Milliseconds of a whole passport, over garments of every pattern; reading where the extra ocr is installed."""
    garments = [
        draw(Category.T_SHIRT, seed, long_side=LONG_SIDE, pattern=pattern, photo_seed=seed)
        for seed, pattern in enumerate(PatternKind)
    ]
    found = {}
    cpus = len(os.sched_getaffinity(0))
    for threads in sorted({1, cpus}):
        for what, wishes in (("", SILENT), (", reading", READING)):
            analyser = PassportAnalyser(threads, find_reader() if wishes is READING else None)
            analyser.warm_up()
            taken = []
            for garment in garments:
                start = time.perf_counter()
                analyser.analyse(garment.photo, garment.alpha, wishes, CancelFlag())
                taken.append(1e3 * (time.perf_counter() - start))
            name = f"passport, {threads} thread{'s' if threads > 1 else ''}{what}"
            found[f"{name}, median"], found[f"{name}, worst"] = float(np.median(taken)), float(np.max(taken))
    return found


def peak_mib(*, reading: bool) -> float:
    """Peak resident memory of a fresh process that analyses one photo, which this process draws."""
    garment = draw(Category.T_SHIRT, 1, long_side=LONG_SIDE, pattern=PatternKind.GRAPHIC, photo_seed=1)
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, photo=garment.photo, alpha=garment.alpha)
        file.flush()
        command = [sys.executable, "-c", WORKER.format(reading=reading, file=file.name)]
        return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = {"milliseconds": steps() | wholes()}
    report["peak_mib"] = {"silent": peak_mib(reading=False), "reading": peak_mib(reading=True)}
    if arguments.json:
        print(json.dumps(report))
        return
    for name, value in report["milliseconds"].items():
        print(f"{name:36} {value:6.1f} ms")
    for name, value in report["peak_mib"].items():
        print(f"peak memory, {name:23} {value:6.0f} MiB")


if __name__ == "__main__":
    main()
