"""The real programs on servers of their own: Elasticsearch, Redis, workers, the web service."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType, TracebackType

import psutil
from elasticsearch import Elasticsearch

from benchmarks.http_client import JsonClient
from embedded import ports
from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.processes import Deadline, ServerProcess, last_lines
from embedded.programs import shelfwise_command
from embedded.redis_server import EmbeddedRedis
from indexer.settings import IndexerSettings
from mappings import cluster
from service.settings import ServiceSettings

ENCODER = "minilm"
READY_SECONDS = 180.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.1
_WORKER_READY = " ready."


class StackFailed(RuntimeError):
    """A program of ours did not start or has died; the message ends with its last words."""


class BenchStack:
    """Everything that a measurement talks to, on free ports, gone at the end of the block.

    directory: emptied at the start. models: exported query encoders, kept between runs.
    heap: of Elasticsearch. say: told what takes longer than 2 s.
    """

    def __init__(
        self, directory: Path, *, models: Path, heap: str, say: Callable[[str], None]
    ) -> None:
        self.directory = directory
        self.heap = heap
        self._models = models
        self._say = say
        self._held = ExitStack()
        self._elasticsearch: EmbeddedElasticsearch | None = None
        self._redis: EmbeddedRedis | None = None

    def __enter__(self) -> BenchStack:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self._models.mkdir(parents=True, exist_ok=True)
        try:
            self._say("starting Redis and Elasticsearch")
            self._redis = self._held.enter_context(
                EmbeddedRedis(self.directory / "redis", append_only=False)
            )
            self._elasticsearch = self._held.enter_context(
                EmbeddedElasticsearch(
                    self.directory / "elasticsearch", heap=self.heap, on_progress=self._say
                )
            )
            self._say("exporting the query encoder unless it is there")
            self._run_to_its_end("encoder", "export")
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def elasticsearch_url(self) -> str:
        """Where Elasticsearch answers."""
        if self._elasticsearch is None:
            raise RuntimeError("the stack has not been started")
        return self._elasticsearch.url

    def client(self) -> Elasticsearch:
        """Return a new client with a patience that suits merging; close it."""
        return cluster.connect(self.indexer_settings()).options(request_timeout=1_200)

    def indexer_settings(self) -> IndexerSettings:
        """Return the worker's settings."""
        return IndexerSettings.from_environment(self._variables(port=0))

    def service_settings(self) -> ServiceSettings:
        """Return the service's settings, for its parts inside this process."""
        return ServiceSettings.from_environment(self._variables(port=0))

    def elasticsearch_process(self) -> psutil.Process:
        """Return Elasticsearch's process."""
        if self._elasticsearch is None:
            raise RuntimeError("the stack has not been started")
        return psutil.Process(self._elasticsearch.process_ids[0])

    def log_of(self, program: str) -> str:
        """Return what a program has said: `worker`, `worker-fast` or `serve`."""
        return (self.directory / f"{program}.log").read_text(encoding="utf-8", errors="replace")

    @contextmanager
    def worker(
        self,
        lanes: str = "fast,changes,bulk",
        *,
        encoder: str = ENCODER,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> Iterator[int]:
        """Run `shelfwise worker` and yield its process id once it takes batches.

        more: settings besides, by variable. Its log is that of `worker`, or `worker-fast` when it
        has the fast lane alone.
        """
        name = "worker-fast" if lanes == "fast" else "worker"
        arguments = ("worker", "--lanes", lanes)
        more = {"SHELFWISE_TEXT_ENCODER": encoder, **more}
        with self._program(*arguments, port=0, name=name, more=more) as (process, log):
            self._wait(name, process, log, lambda: _WORKER_READY in self.log_of(name))
            yield process.pid

    @contextmanager
    def service(
        self, *, more: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[tuple[int, int]]:
        """Run a fresh `shelfwise serve` and yield its port and its process id.

        more: settings besides, by variable.
        """
        (port,) = ports.pick_free(1)
        with self._program("serve", port=port, more=more) as (process, log):
            self._wait("service", process, log, lambda: _is_ready(port))
            yield port, process.pid

    def _variables(self, *, port: int) -> dict[str, str]:
        if self._redis is None:
            raise RuntimeError("the stack has not been started")
        return {
            "SHELFWISE_ELASTICSEARCH_URL": self.elasticsearch_url,
            "SHELFWISE_ELASTICSEARCH_TIMEOUT_SECONDS": "300",
            "SHELFWISE_REDIS_URL": self._redis.url,
            "SHELFWISE_MODEL_DIRECTORY": str(self._models),
            "SHELFWISE_TEXT_ENCODER": ENCODER,
            # The same texts are loaded again and again here.
            "SHELFWISE_INDEXER_VECTOR_CACHE_ENTRIES": "0",
            "SHELFWISE_SERVICE_HOST": ports.LOOPBACK,
            "SHELFWISE_SERVICE_PORT": str(port),
        }

    def environ(self, *, port: int = 0) -> dict[str, str]:
        """Return the environment of our programs."""
        kept = {name: value for name, value in os.environ.items() if "SHELFWISE_" not in name}
        return {**kept, **self._variables(port=port), "PYTHONUNBUFFERED": "1"}

    def _run_to_its_end(self, *arguments: str) -> None:
        with self._program(*arguments, port=0) as (process, log):
            deadline = Deadline(READY_SECONDS)
            while process.exit_code is None and not deadline.passed:
                time.sleep(_POLL_SECONDS)
            if process.exit_code != 0:
                raise _failed(" ".join(arguments), log)

    @contextmanager
    def _program(
        self,
        *arguments: str,
        port: int,
        name: str | None = None,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> Iterator[tuple[ServerProcess, Path]]:
        log = self.directory / f"{name or arguments[0]}.log"
        process = ServerProcess(
            shelfwise_command(arguments),
            output=log,
            environ={**self.environ(port=port), **more},
        )
        try:
            yield process, log
        finally:
            process.stop(_STOP_SECONDS)

    def _wait(
        self, name: str, process: ServerProcess, log: Path, is_ready: Callable[[], bool]
    ) -> None:
        self._say(f"starting the {name}")
        deadline = Deadline(READY_SECONDS)
        while not is_ready():
            if process.exit_code is not None or deadline.passed:
                raise _failed(name, log)
            time.sleep(_POLL_SECONDS)


def _is_ready(port: int) -> bool:
    try:
        with JsonClient(f"http://{ports.LOOPBACK}:{port}") as client:
            return client.get("/readyz").status == 200
    except OSError:
        return False


def _failed(name: str, log: Path) -> StackFailed:
    words = "\n    ".join(last_lines(log, 12))
    return StackFailed(f"the {name} did not start or has died; its last words:\n    {words}")
