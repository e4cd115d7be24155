"""Loopback ports: is one free, and which ones are."""

from __future__ import annotations

import socket

from embedded.errors import PortTaken

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are still in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def require_free(port: int, *, purpose: str) -> None:
    """Raise PortTaken unless a server could listen on this loopback port now."""
    if not is_free(port):
        raise PortTaken(
            f"Port {port}, meant for {purpose}, is taken on {LOOPBACK}.",
            "Stop the process that listens there, or choose another port.",
        )


def pick_free(count: int) -> list[int]:
    """Give distinct loopback ports that were free a moment ago."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
