"""ONNX Runtime sessions, for several request threads on few cores."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from mappings.errors import EncoderUnavailable

_ERRORS_ONLY = 3
"""ONNX Runtime's log severity; below are notes on its own optimisations."""


def open_session(path: Path, *, threads: int, advice: str) -> onnxruntime.InferenceSession:
    """Open a graph on the CPU; a session may be run by several threads at once.

    threads: CPU threads of one run. advice: what mends a broken file, the end of the message.
    Raises EncoderUnavailable when the file is missing or broken.
    """
    onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # The arena keeps the largest input's memory for ever, per thread; without it a query of
    # 256 tokens costs no lasting memory, and short queries are as fast.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # Threads that spin between operators would take the cores from other requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own classes share no public base
        raise EncoderUnavailable(
            f"ONNX Runtime cannot open {str(path)!r}: {error}; {advice}"
        ) from error
