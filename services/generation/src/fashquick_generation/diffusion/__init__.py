"""Pictures by Stable Diffusion, from the studio's.

`stages` has the six stages, each a module; `session` leads jobs through them. `denoising` runs the networks, `weights`
reads and lends them, `wording` has the words of prompts.
"""
