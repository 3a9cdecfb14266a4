"""The SAM 2 backend: prompts from the embedded network, masks from SAM 2, the best of them chosen."""
