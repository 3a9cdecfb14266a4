"""The figure: a parametric body, its poses, and what it wears beside the garment."""
