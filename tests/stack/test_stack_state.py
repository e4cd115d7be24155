"""What a stack remembers, and who may use its folder."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from embedded.errors import DirectoryInUse, DiskFull
from embedded.stack_state import StackState, fingerprint


def test_a_folder_is_for_one_stack_at_a_time(tmp_path: Path):
    with StackState(tmp_path).held():
        with pytest.raises(DirectoryInUse, match="process"), StackState(tmp_path).held():
            pass
    with StackState(tmp_path).held():
        pass


def test_a_port_is_kept_until_somebody_else_has_it(tmp_path: Path):
    state = StackState(tmp_path)
    first = state.port("redis")
    state.remember_ports({"redis": first})
    assert state.port("redis") == first
    with socket.create_server(("127.0.0.1", first)):
        assert state.port("redis") != first


def test_what_was_loaded_is_known_by_version_and_index_until_a_load_begins(tmp_path: Path):
    state = StackState(tmp_path)
    assert state.loaded("9.5.3", "products") is None
    state.remember_loaded("9.5.3", "products", "abc")
    state.remember_ports({"redis": 1})
    assert StackState(tmp_path).loaded("9.5.3", "products") == "abc"
    assert state.loaded("8.19.21", "products") is None
    state.remember_loaded("9.5.3", "products", None)
    assert state.loaded("9.5.3", "products") is None


def test_a_state_file_that_is_broken_counts_as_none(tmp_path: Path):
    (tmp_path / "stack.json").write_text('{"ports": {"red')
    assert StackState(tmp_path).loaded("9.5.3", "products") is None


def test_a_fingerprint_changes_with_content_map_and_settings(tmp_path: Path):
    catalogue, own_map = tmp_path / "a.jsonl", tmp_path / "map.json"
    catalogue.write_text("1")
    own_map.write_text("{}")
    seen = [fingerprint(catalogue, None, ["minilm"]), fingerprint(catalogue, "plain", ["minilm"])]
    seen += [fingerprint(catalogue, None, ["hashing"])]
    seen += [fingerprint(catalogue, str(own_map), ["minilm"])]
    own_map.write_text('{"name": "mine"}')
    seen += [fingerprint(catalogue, str(own_map), ["minilm"])]
    catalogue.write_text("2")
    seen += [fingerprint(catalogue, None, ["minilm"])]
    assert len(set(seen)) == len(seen)


def test_a_shell_reads_the_environment_file(tmp_path: Path):
    state = StackState(tmp_path)
    state.write_environment({"SHELFWISE_TEXT_TEMPLATE": '{title}\'s $HOME; "x"'})
    line = f'. {shlex.quote(str(state.environment_path))} && printf %s "$SHELFWISE_TEXT_TEMPLATE"'
    shown = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
    assert shown == '{title}\'s $HOME; "x"'


def test_a_full_disk_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    usage = shutil.disk_usage(tmp_path)._replace(free=12 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with (
        pytest.raises(DiskFull, match="Only 12 MB are free") as failure,
        StackState(tmp_path).held(),
    ):
        pass
    assert "make run STATE=" in failure.value.how_to_mend
