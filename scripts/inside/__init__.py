"""Parts of `train_inside.py`."""
