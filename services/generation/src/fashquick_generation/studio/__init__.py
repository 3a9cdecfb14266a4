"""The studio backend: cloth simulation and a renderer on the CPU, no network weights."""

from fashquick_generation.studio.generator import StudioGenerator

__all__ = ["StudioGenerator"]
