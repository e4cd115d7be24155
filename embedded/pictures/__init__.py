"""Pictures of products, drawn with Pillow: for the sample catalogue and for training encoders."""
