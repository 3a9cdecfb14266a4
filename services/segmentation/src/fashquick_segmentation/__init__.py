"""Garment segmentation: photo in, mask and soft alpha out."""
