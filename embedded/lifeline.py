"""Run a command that must not outlive whoever started us: `python lifeline.py COMMAND...`.

Our standard input is a pipe from the parent. It ends when the parent dies, even by SIGKILL, and
we then end the command. Run as a script, with nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


def main(command: list[str]) -> int:
    """Run the command until it ends or our standard input does; return its exit code."""
    # A handler rather than SIG_IGN, which the command would inherit. The parent signals our
    # whole group, so the command hears it too, and we stay until it has ended.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    # We have one thread here, which makes preexec_fn safe, and it lives as long as we do, which
    # the death signal is tied to.
    before_exec = _end_with_parent if sys.platform == "linux" else None
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=before_exec,
    )
    threading.Thread(target=_end_with_input, args=(process,), daemon=True).start()
    return process.wait()


def _end_with_input(process: subprocess.Popen[bytes]) -> None:
    # Unbuffered: the interpreter aborts at its end when this thread holds sys.stdin's lock.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    process.terminate()


def _end_with_parent() -> None:
    """Have Linux end the command should we ourselves be killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
