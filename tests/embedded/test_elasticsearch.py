"""The embedded Elasticsearch: what it answers, keeps, refuses and leaves behind."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import elasticsearch
import psutil
import pytest

from embedded import ports
from embedded.elasticsearch import SUPPORTED_VERSIONS, EmbeddedElasticsearch
from embedded.errors import (
    DataDirectoryMismatch,
    DirectoryInUse,
    JdkMissing,
    PortTaken,
    ServerDidNotStart,
)
from tests.embedded.conftest import HEAP, Node, ask

REPOSITORY = Path(__file__).parents[2]
GONE_SECONDS = 20


def wait_until(condition: Callable[[], bool], seconds: float = GONE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.cluster
def test_root_answers_like_elasticsearch(embedded_node: Node, es_version: str):
    answer = embedded_node.must("GET", "/")

    assert answer["version"]["number"] == es_version
    assert answer["cluster_name"] == "shelfwise"
    assert answer["name"] == "node-1"
    assert answer["tagline"] == "You Know, for Search"
    assert set(answer["version"]) == {
        "number",
        "build_flavor",
        "build_type",
        "build_hash",
        "build_date",
        "build_snapshot",
        "lucene_version",
        "minimum_wire_compatibility_version",
        "minimum_index_compatibility_version",
    }


@pytest.mark.cluster
def test_head_of_root_has_the_product_header(embedded_node: Node):
    host = embedded_node.server.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("HEAD", "/")
    response = connection.getresponse()
    connection.close()

    assert response.status == 200
    assert response.getheader("X-elastic-product") == "Elasticsearch"


@pytest.mark.cluster
def test_official_client_accepts_it(embedded_node: Node, es_version: str):
    with elasticsearch.Elasticsearch(embedded_node.server.url) as client:
        assert client.info()["version"]["number"] == es_version


@pytest.mark.cluster
def test_it_listens_on_loopback_only(embedded_node: Node):
    process = psutil.Process(embedded_node.server.process_ids[0])

    listening = [c.laddr.ip for c in process.net_connections("tcp") if c.status == "LISTEN"]

    assert listening
    assert {ip.removeprefix("::ffff:") for ip in listening} == {ports.LOOPBACK}


@pytest.mark.cluster
def test_disk_watermarks_are_off(embedded_node: Node):
    settings = embedded_node.must("GET", "/_cluster/settings?include_defaults=true&flat_settings")

    key = "cluster.routing.allocation.disk.threshold_enabled"
    assert settings["defaults"][key] == "false"


@pytest.mark.cluster
def test_nothing_alarming_is_logged(embedded_node: Node):
    log = embedded_node.server.log_paths[0].read_text(encoding="utf-8")

    assert "[ERROR]" not in log


@pytest.mark.cluster
def test_data_survives_a_restart_and_stop_leaves_nothing(tmp_path: Path, es_version: str):
    told: list[str] = []
    server = EmbeddedElasticsearch(
        tmp_path, version=es_version, heap=HEAP, on_progress=told.append
    )
    with server:
        ask(server.url, "PUT", "/kept/_doc/1?refresh=true", {"title": "red shoe"})
        first_port = int(server.url.rsplit(":", 1)[1])
        first_process = server.process_ids[0]
    assert not psutil.pid_exists(first_process)
    assert ports.is_free(first_port)
    assert server.process_ids == []

    with server:
        assert ask(server.url, "GET", "/kept/_doc/1")[1]["_source"] == {"title": "red shoe"}
        command = psutil.Process(server.process_ids[0]).cmdline()
        assert [option for option in command if option.startswith("-XX:SharedArchiveFile=")]
        other = EmbeddedElasticsearch(tmp_path, version=es_version, heap=HEAP)
        with pytest.raises(DirectoryInUse, match="Another Elasticsearch runs"):
            other.start()
        assert other.process_ids == []
        assert ask(server.url, "GET", "/kept/_doc/1")[0] == 200
    assert any("waiting for Elasticsearch" in message for message in told)


PARENT = """
import os, signal, sys, time
from pathlib import Path
from embedded.elasticsearch import EmbeddedElasticsearch
server = EmbeddedElasticsearch(Path(sys.argv[1]), version=sys.argv[2], heap="512m")
server.start()
if os.fork() == 0:  # a sibling that keeps our ends of all pipes open
    print(os.getpid(), server.process_ids[0], server.url, flush=True)
    time.sleep(120)
os.wait()
"""


@pytest.mark.cluster
@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_killing_the_parent_kills_the_node(tmp_path: Path, es_version: str):
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path), es_version]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as parent:
        assert parent.stdout is not None
        sibling, node, url = parent.stdout.readline().split()
        try:
            assert ask(url, "GET", "/")[0] == 200
            parent.send_signal(signal.SIGKILL)
            parent.wait()

            assert wait_until(lambda: not psutil.pid_exists(int(node)))
            assert wait_until(lambda: ports.is_free(int(url.rsplit(":", 1)[1])))
        finally:
            os.kill(int(sibling), signal.SIGKILL)


@pytest.mark.cluster
def test_two_nodes_form_a_cluster_with_a_replica(tmp_path: Path, es_version: str):
    server = EmbeddedElasticsearch(tmp_path, version=es_version, nodes=2, heap=HEAP)
    with pytest.raises(ServerDidNotStart):  # before the nodes could find each other
        server.start(timeout_seconds=0)
    body = {"settings": {"number_of_shards": 1, "number_of_replicas": 1}}
    for _ in range(2):
        with server:
            ask(server.url, "PUT", "/copied", body)
            health = "/_cluster/health/copied?wait_for_status=green&timeout=60s"
            status, answer = ask(server.urls[1], "GET", health)
            assert (status, answer["status"]) == (200, "green")
            assert answer["number_of_nodes"] == 2
            assert answer["active_shards"] == 2
    with pytest.raises(DataDirectoryMismatch, match="2 nodes; 1 would lack"):
        EmbeddedElasticsearch(tmp_path, version=es_version).start()


def test_taken_port_is_named(tmp_path: Path):
    with socket.socket() as holder:
        holder.bind((ports.LOOPBACK, 0))
        holder.listen()
        port = holder.getsockname()[1]

        with pytest.raises(PortTaken, match=f"Port {port}"):
            EmbeddedElasticsearch(tmp_path, http_port=port).start()


def test_missing_jdk_is_told_before_anything_is_made(tmp_path: Path):
    directory = tmp_path / "data"
    server = EmbeddedElasticsearch(
        directory, environ={"SHELFWISE_JAVA_HOME": str(tmp_path / "none")}
    )

    with pytest.raises(JdkMissing, match="SHELFWISE_JAVA_HOME"):
        server.start()

    assert not directory.exists()


@pytest.mark.cluster
def test_failed_start_shows_the_last_log_lines(tmp_path: Path, es_version: str):
    server = EmbeddedElasticsearch(tmp_path, version=es_version, heap="1m")

    with pytest.raises(ServerDidNotStart) as raised:
        server.start()

    assert raised.value.last_log_lines
    assert "heap" in str(raised.value).lower()
    assert server.process_ids == []


@pytest.mark.cluster
def test_timeout_stops_the_node(tmp_path: Path, es_version: str):
    server = EmbeddedElasticsearch(tmp_path, version=es_version, heap=HEAP)

    with pytest.raises(ServerDidNotStart, match="not usable within 0 s"):
        server.start(timeout_seconds=0)

    assert server.process_ids == []


def test_older_version_does_not_open_newer_data(tmp_path: Path):
    newest, *older = SUPPORTED_VERSIONS
    (tmp_path / "shelfwise.json").write_text(f'{{"version": "{newest}", "nodes": 1}}')

    for version in older:
        with pytest.raises(DataDirectoryMismatch, match=newest):
            EmbeddedElasticsearch(tmp_path, version=version).start()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"version": "7.17.0"}, "7.17.0", id="version"),
        pytest.param({"nodes": 0}, "nodes", id="nodes"),
    ],
)
def test_impossible_option_is_refused(tmp_path: Path, options, said):
    with pytest.raises(ValueError, match=said):
        EmbeddedElasticsearch(tmp_path, **options)


def test_url_is_unknown_before_the_start(tmp_path: Path):
    with pytest.raises(RuntimeError, match="not been started"):
        _ = EmbeddedElasticsearch(tmp_path).url
