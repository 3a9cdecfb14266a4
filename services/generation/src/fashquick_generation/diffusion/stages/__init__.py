"""The six stages, each a module: conditions, prompts, initial generation, inpainting, enhancement, repair."""
