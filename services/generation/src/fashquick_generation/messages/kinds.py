"""Kinds of outputs on the wire, and the maps that they are."""

from __future__ import annotations

from fashquick.generation.v1 import scene_pb2
from fashquick_generation.engine import MapKind

MAPS = {
    scene_pb2.OUTPUT_KIND_DEPTH: MapKind.DEPTH,
    scene_pb2.OUTPUT_KIND_NORMAL: MapKind.NORMAL,
    scene_pb2.OUTPUT_KIND_POSE: MapKind.POSE,
    scene_pb2.OUTPUT_KIND_PARTS: MapKind.PARTS,
    scene_pb2.OUTPUT_KIND_GARMENT_MASK: MapKind.GARMENT_MASK,
    scene_pb2.OUTPUT_KIND_GARMENT_UV: MapKind.GARMENT_UV,
    scene_pb2.OUTPUT_KIND_GARMENT_INDEX: MapKind.GARMENT_INDEX,
    scene_pb2.OUTPUT_KIND_PROTECTED_MASK: MapKind.PROTECTED,
    scene_pb2.OUTPUT_KIND_SHADOW: MapKind.SHADOW,
    scene_pb2.OUTPUT_KIND_BASE: MapKind.BASE,
}
OTHERS = {
    scene_pb2.OUTPUT_KIND_PICTURE,
    scene_pb2.OUTPUT_KIND_PREVIEW,
    scene_pb2.OUTPUT_KIND_KEYPOINTS,
    scene_pb2.OUTPUT_KIND_TURNTABLE,
}
