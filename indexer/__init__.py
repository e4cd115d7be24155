"""Products in, documents out: Celery app and tasks, pipeline, encoders, bulk writer, loader."""
