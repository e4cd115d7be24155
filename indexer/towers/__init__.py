"""The image tower: photos into the text encoder's space, its training, and what is shipped."""
