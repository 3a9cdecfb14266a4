"""Real garments as the studio gets them: photos chosen by hash, with what segmentation and features say of them."""
