"""What a shop sends, and how it becomes products: field maps, and the webhooks of shop systems."""
