"""Fine-tuning of encoders on a shop's own products."""
