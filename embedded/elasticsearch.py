"""A real Elasticsearch of our own, from its published jars, for as long as a `with` block lasts.

>>> with EmbeddedElasticsearch(Path("var/elasticsearch")) as server:  # doctest: +SKIP
...     print(server.url)
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from embedded import data_directory, ports
from embedded.cache import cache_directory, disk_full_explained
from embedded.class_archive import ClassArchive
from embedded.errors import DirectoryInUse, ServerDidNotStart
from embedded.jdk import find_jdk
from embedded.layout import prepare_layout
from embedded.node_config import NodeConfig
from embedded.processes import Deadline, ServerProcess, last_lines

DEFAULT_VERSION = "9.5.3"
SUPPORTED_VERSIONS = ("9.5.3", "8.19.21")

_POLL_SECONDS = 0.05
_REPORT_SECONDS = 2.0
_LOG_LINES_SHOWN = 12
_JAVA_OPTION_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")


class EmbeddedElasticsearch:
    """Elasticsearch nodes on loopback ports, children of this process.

    directory: data, configuration and logs; a later start finds the data again. http_port: of
    the first node, a free one when None; further nodes always get free ones. heap: of each
    node, as in `-Xmx`. on_progress: told in a few words about whatever takes longer than 2 s.
    """

    def __init__(
        self,
        directory: Path,
        *,
        version: str = DEFAULT_VERSION,
        http_port: int | None = None,
        nodes: int = 1,
        heap: str = "1g",
        cluster_name: str = "shelfwise",
        on_progress: Callable[[str], None] | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        if version not in SUPPORTED_VERSIONS:
            raise ValueError(f"version must be one of {SUPPORTED_VERSIONS}, not {version!r}")
        if nodes < 1:
            raise ValueError(f"nodes must be 1 or more, not {nodes}")
        self.version = version
        self.directory = directory.absolute()
        self._http_port = http_port
        self._node_count = nodes
        self._heap = heap
        self._cluster_name = cluster_name
        self._on_progress = on_progress or (lambda _: None)
        self._environ = environ
        self._configs: list[NodeConfig] = []
        self._processes: list[ServerProcess] = []
        self._archive: ClassArchive | None = None  # set while a node of ours is to make it

    @property
    def url(self) -> str:
        """Where the first node answers; known once started."""
        return self.urls[0]

    @property
    def urls(self) -> list[str]:
        """Where each node answers; known once started."""
        if not self._configs:
            raise RuntimeError("the embedded Elasticsearch has not been started")
        return [config.url for config in self._configs]

    @property
    def log_paths(self) -> list[Path]:
        """Each node's log file, empty before the first start."""
        return [config.log_path for config in self._configs]

    @property
    def config_directories(self) -> list[Path]:
        """Each node's configuration folder, where `synonyms_path` files belong."""
        return [config.config_directory for config in self._configs]

    @property
    def process_ids(self) -> list[int]:
        """Each running node's process id."""
        return [process.pid for process in self._processes]

    def start(self, timeout_seconds: float = 120) -> None:
        """Prepare what is missing, start every node and wait until the cluster can be used.

        timeout_seconds: for the servers to answer; a first start's download has none. Raises a
        subclass of EmbeddedStackError; nothing is left running then.
        """
        if self._processes:
            raise RuntimeError("the embedded Elasticsearch is already running")
        if self._http_port is not None:
            ports.require_free(self._http_port, purpose="the embedded Elasticsearch")
        version, nodes = self.version, self._node_count
        is_new = data_directory.check(self.directory, version=version, nodes=nodes)
        jdk = find_jdk(self._environ, on_progress=self._on_progress)
        cache = cache_directory(self._environ)
        layout = prepare_layout(version, jdk, cache, self._on_progress)
        with disk_full_explained(self.directory):
            data_directory.record(
                self.directory, version=version, nodes=nodes, has_come_up=not is_new
            )
            self._configs = self._node_configs(is_new=is_new)
            (self.directory / "tmp").mkdir(exist_ok=True)
            for config in self._configs:
                config.write()
        archive = ClassArchive(layout, jdk)
        self._archive = None if archive.is_there else archive
        try:
            for config in self._configs:
                options = archive.options(may_make=config is self._configs[0])
                command = config.command(jdk, layout, self._heap, options)
                self._processes.append(
                    ServerProcess(
                        command, output=config.output_path, environ=_clean(self._environ)
                    )
                )
            self._wait_until_usable(Deadline(timeout_seconds), timeout_seconds)
            # Until now a start would have to found the cluster; from now on it must not.
            data_directory.record(self.directory, version=version, nodes=nodes, has_come_up=True)
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_seconds: float = 30) -> None:
        """Stop every node, by force after the timeout. Does nothing when none runs."""
        deadline = Deadline(timeout_seconds)
        processes, self._processes = self._processes, []
        archive, self._archive = self._archive, None
        if processes and archive:
            self._on_progress("stopping, and keeping the loaded classes for faster starts")
        for process in processes:
            process.ask_to_stop()
        unforced = [process.wait_stopped(deadline.remaining) for process in processes]
        if archive:
            archive.keep() if all(unforced) else archive.discard()

    def __enter__(self) -> EmbeddedElasticsearch:
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _node_configs(self, *, is_new: bool) -> list[NodeConfig]:
        count = self._node_count
        free = ports.pick_free(2 * count)
        http_ports, transport_ports = free[:count], free[count:]
        if self._http_port is not None:
            http_ports[0] = self._http_port
        names = tuple(f"node-{number}" for number in range(1, count + 1))
        return [
            NodeConfig(
                name=name,
                cluster_name=self._cluster_name,
                directory=self.directory,
                http_port=http_port,
                transport_port=transport_port,
                seeds=tuple(f"{ports.LOOPBACK}:{port}" for port in transport_ports),
                first_masters=names if is_new else (),
            )
            for name, http_port, transport_port in zip(
                names, http_ports, transport_ports, strict=True
            )
        ]

    def _wait_until_usable(self, deadline: Deadline, timeout_seconds: float) -> None:
        started = time.monotonic()
        next_report = started + _REPORT_SECONDS
        while not all(self._is_usable(place) for place in range(self._node_count)):
            for config, process in zip(self._configs, self._processes, strict=True):
                if process.exit_code is not None:
                    raise _explanation(config, f"ended with exit code {process.exit_code}")
            if deadline.passed:
                late = next((p for p in range(self._node_count) if not self._is_usable(p)), 0)
                raise _explanation(
                    self._configs[late], f"was not usable within {timeout_seconds:.0f} s"
                )
            if time.monotonic() >= next_report:
                waited = time.monotonic() - started
                self._on_progress(f"waiting for Elasticsearch {self.version} ({waited:.0f} s)")
                next_report += _REPORT_SECONDS
            time.sleep(_POLL_SECONDS)

    def _is_usable(self, place: int) -> bool:
        """Whether our own node answers, and knows of all the others.

        Another server that took the port a moment before ours would answer as well: it has
        another process id.
        """
        port, process = self._configs[place].http_port, self._processes[place]
        if _get(port, "/") is None:
            return False
        local = _get(port, "/_nodes/_local/process")
        if local is None or process.pid not in {
            node["process"]["id"] for node in local["nodes"].values()
        }:
            return False
        health = _get(port, "/_cluster/health")
        if health is None or health["status"] not in ("yellow", "green"):
            return False
        return int(health["number_of_nodes"]) >= self._node_count


def _get(port: int, path: str) -> dict[str, Any] | None:
    """Give the JSON object that the node answers, or None as long as it does not."""
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return None
    if response.status != http.client.OK:
        return None
    answer: dict[str, Any] = json.loads(body)
    return answer


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Leave out variables by which a JVM takes options that we do not know of."""
    return {key: value for key, value in environ.items() if key not in _JAVA_OPTION_VARIABLES}


def _explanation(config: NodeConfig, what: str) -> ServerDidNotStart | DirectoryInUse:
    lines = last_lines(config.log_path, 400) + last_lines(config.output_path, 400)
    text = "\n".join(lines)
    if "failed to obtain node locks" in text:
        return DirectoryInUse(
            f"Another Elasticsearch runs on {config.data_directory}.",
            "Stop it, or give this one a directory of its own.",
        )
    if "BindHttpException" in text or "BindTransportException" in text:
        how = "Something took its port in the meantime: start again, or choose another port."
    elif "OutOfMemoryError" in text or "insufficient memory" in text:
        how = (
            "It had too little memory: give it a larger heap, or a smaller one on a full machine."
        )
    else:
        how = f"The whole log is in {config.log_path} and {config.output_path}."
    return ServerDidNotStart(
        f"The embedded Elasticsearch ({config.name}) {what}.", how, lines[-_LOG_LINES_SHOWN:]
    )
