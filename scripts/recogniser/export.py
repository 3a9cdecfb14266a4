"""Writes the trained recogniser as the ONNX file that comes with the features service."""

from __future__ import annotations

import io
from pathlib import Path

import onnx
import torch

from fashquick_features.recognition.network import SIDE

from .labels import ROOT
from .network import Recogniser

FILE = ROOT / "services/features/src/fashquick_features/data/recogniser.onnx"
OPSET = 13


def write_onnx(net: Recogniser, path: Path = FILE) -> None:
    """Write the network for pictures one at a time."""
    buffer = io.BytesIO()
    torch.onnx.export(
        net.train(False),
        (torch.zeros(1, 3, SIDE, SIDE),),
        buffer,
        input_names=["picture"],
        output_names=["embedding", "logits"],
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB")
