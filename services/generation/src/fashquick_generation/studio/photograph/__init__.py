"""Camera, light and backdrop: the dressed figure becomes a picture and its maps."""
