"""Our programs as children: bounded restarts, kept logs, known holders of ports."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from embedded.errors import ServerDidNotStart
from embedded.programs import MAX_RESTARTS, Program, is_alive, listener, run_in_foreground

ENVIRON = dict(os.environ)


def wait_dead(program: Program) -> None:
    deadline = time.monotonic() + 60
    while program.exit_code is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_program_that_keeps_dying_is_given_up_with_its_last_words(tmp_path: Path):
    program = Program("service", ["no-such-command"], log=tmp_path / "a.log", environ=ENVIRON)
    program.start()
    for number in range(1, MAX_RESTARTS + 1):
        wait_dead(program)
        said = program.restart()
        assert f"Started it again ({number} of {MAX_RESTARTS})" in said
        assert "No such command" in said and "exit code 2" in said
    wait_dead(program)
    with pytest.raises(ServerDidNotStart) as failure:
        program.restart()
    assert "No such command" in str(failure.value) and str(program.log) in str(failure.value)
    program.stop(1)


def test_the_log_of_the_run_before_is_kept(tmp_path: Path):
    log = tmp_path / "a.log"
    log.write_text("yesterday")
    program = Program("version", ["--version"], log=log, environ=ENVIRON)
    program.start()
    program.wait()
    program.stop(1)
    assert "shelfwise" in log.read_text()
    assert (tmp_path / "a.log.1").read_text() == "yesterday"


def test_waiting_for_a_program_that_fails_says_why(tmp_path: Path):
    program = Program("export", ["encoder", "oops"], log=tmp_path / "a.log", environ=ENVIRON)
    program.start()
    with pytest.raises(ServerDidNotStart, match="No such command 'oops'"):
        program.wait()
    program.stop(1)


def test_a_command_in_the_foreground_writes_to_our_terminal(capfd: pytest.CaptureFixture[str]):
    assert run_in_foreground(["--version"], environ=ENVIRON) == 0
    assert "shelfwise" in capfd.readouterr().out
    assert run_in_foreground(["no-such-command"], environ=ENVIRON) == 2


def test_who_listens_on_a_port_is_known():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert f"process {os.getpid()}" in (listener(port) or "")
    assert listener(port) is None


def test_a_process_that_has_ended_is_not_alive(tmp_path: Path):
    program = Program("version", ["--version"], log=tmp_path / "a.log", environ=ENVIRON)
    program.start()
    assert program._process
    process_id = program._process.pid
    assert is_alive(process_id)
    deadline = time.monotonic() + 60
    while is_alive(process_id):  # a zombie until somebody waits for it
        assert time.monotonic() < deadline
        time.sleep(0.05)
    program.stop(1)
    assert not is_alive(process_id)
