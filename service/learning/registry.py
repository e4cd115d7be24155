"""Trainers by the name of the fusion that they learn. To add one: write its module, add a line.

A trainer's module is imported when it is asked for, so that the service starts without what only
training needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from mappings.errors import ConfigurationError, InvalidQuery
from service.learning.validation import Trainer

TRAINERS: Mapping[str, str] = {
    "weighted_sum": "service.learning.linear_training:LinearTrainer",
    "gated": "service.learning.gated_training:GatedTrainer",
    "projection": "service.learning.projection_training:ProjectionTrainer",
    "lambdamart": "service.learning.tree_training:LambdaMartTrainer",
}
"""Name of a learned fusion, as in MODELS, to where its trainer is."""

_PACKAGES = frozenset({"lightgbm", "scipy", "threadpoolctl", "torch"})
"""What `shelfwise[train]` brings."""


def load_trainer(name: str) -> Trainer:
    """Return the trainer of a fusion.

    Raises InvalidQuery for a fusion that nothing learns, and ConfigurationError when a package or
    system library that it needs is not installed.
    """
    if name not in TRAINERS:
        raise InvalidQuery(
            f"fusion {name!r} cannot be learned: there are {', '.join(TRAINERS)}", field="fusion"
        )
    module, _, attribute = TRAINERS[name].partition(":")
    try:
        trainer: Trainer = getattr(import_module(module), attribute)()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES:
            raise
        raise ConfigurationError(
            f"training {name!r} needs {package}; run pip install 'shelfwise[train]'",
            field="fusion",
        ) from error
    except OSError as error:
        # LightGBM's wheel holds no OpenMP: libgomp1 of Debian, libomp of Homebrew.
        raise ConfigurationError(
            f"training {name!r} cannot load a system library: {error}; for libgomp.so.1 run "
            "apt-get install libgomp1",
            field="fusion",
        ) from error
    return trainer
