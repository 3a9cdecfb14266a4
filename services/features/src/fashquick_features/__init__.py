"""Garment passport: photo and mask in, category, landmarks and palette out."""
