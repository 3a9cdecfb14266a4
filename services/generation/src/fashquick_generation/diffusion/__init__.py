"""Pictures by Stable Diffusion, from the studio's.

The six stages, each a module: `conditions`, `prompts`, `initial`, `inpainting`, `enhancement`, `repair`.
"""
