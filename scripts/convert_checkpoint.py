#!/usr/bin/env python3
"""Writes a SAM 2 checkpoint of Meta's as safetensors: without a pickle, without what only films need.

    .venv-full/bin/python scripts/convert_checkpoint.py sam2.1_hiera_tiny.pt MODELS_FOLDER

The file's name says which checkpoint it is. List the new file in the folder's SHA256SUMS afterwards.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fashquick_common.errors import ModelNotInstalled
from fashquick_segmentation.sam2.checkpoints import CHECKPOINTS
from fashquick_segmentation.sam2.weights import convert


def main() -> None:
    """Run the command."""
    names = {checkpoint.original: checkpoint for checkpoint in CHECKPOINTS.values()}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path, help=f"one of {', '.join(names)}")
    parser.add_argument("folder", type=Path, help="where to write it")
    arguments = parser.parse_args()
    checkpoint = names.get(arguments.original.name)
    if checkpoint is None:
        parser.error(f"{arguments.original.name} is none of {', '.join(names)}")
    converted = arguments.folder / checkpoint.converted
    try:
        convert(arguments.original, converted, checkpoint)
    except (ModelNotInstalled, OSError) as error:
        sys.exit(str(error))
    print(f"{converted}: {converted.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
