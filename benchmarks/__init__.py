"""Speed and size of the whole product, measured: `python -m benchmarks`."""
