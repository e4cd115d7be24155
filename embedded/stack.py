"""The whole local stack, from nothing to the first answer, and its end.

Redis, the query encoder's export and Elasticsearch together -> service
-> workers and loader when there is something to load -> first search -> watch
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from embedded import ports
from embedded.catalogue import Catalogue, choose_catalogue
from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.errors import EmbeddedStackError, PortTaken, ServerDidNotStart
from embedded.first_search import FirstSearch, index_size, readiness, search_first
from embedded.processes import Deadline, last_lines
from embedded.programs import (
    Program,
    ProgramFailed,
    end_leftovers,
    is_alive,
    listener,
    run_in_foreground,
)
from embedded.redis_server import EmbeddedRedis
from embedded.stack_state import StackState, fingerprint
from mappings.settings import PREFIX, SharedSettings

LOADED_WITH_REJECTS = 2
"""Exit code of `shelfwise load` when some products were rejected, and all others are there."""

_EXPORT = "encoder export"
_SERVICE = "service"
_WORKER = "worker"
_FAST_WORKER = "fast worker"
_PHOTO_WORKER = "photo worker"
_IMAGE_ENCODER = PREFIX + "IMAGE_ENCODER"
_PHOTOS_AHEAD = PREFIX + "INDEXER_PHOTOS_AHEAD_SECONDS"
_PHOTO_DIRECTORY = PREFIX + "INDEXER_IMAGE_DIRECTORY"
_SHOWN_PHOTOS = PREFIX + "SERVICE_PHOTO_DIRECTORY"
_SHIPPED_IMAGE_ENCODER = "tower"
_SECONDS_FOR_PHOTOS = "3"
"""How long products wait for their photos, which the shipped encoder makes fast."""

_READY_SECONDS = 60
_POLL_SECONDS = 0.1
_WATCH_SECONDS = 0.5
_PROGRAM_STOP_SECONDS = 8
_SERVER_STOP_SECONDS = 10
_LOG_LINES_SHOWN = 12


@dataclass(frozen=True)
class StackOptions:
    """What a person may choose: see the help of `shelfwise run`."""

    state_directory: Path
    catalogue: Path | None = None
    map_name: str | None = None
    index: str | None = None
    port: int = 8080
    elasticsearch_version: str = "9.5.3"
    heap: str = "1g"


class Stack:
    """Elasticsearch, Redis, two or three workers and the service, children of this process.

    One worker is for prices, stock and what else no encoder reads, so that these never wait
    behind a load; it is small, as it holds no model. Another one is for photos, where there is
    an encoder of them.

    say: told every step in a line.
    """

    def __init__(
        self,
        options: StackOptions,
        say: Callable[[str], None],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.options = options
        self.state = StackState(options.state_directory)
        self._say = say
        self._environ = environ
        self._held = ExitStack()
        self._redis: EmbeddedRedis | None = None
        self._elasticsearch: EmbeddedElasticsearch | None = None
        self._programs: dict[str, Program] = {}
        self._variables: dict[str, str] = {}

    @property
    def has_begun(self) -> bool:
        """Return whether a server of it was started."""
        return self._redis is not None

    def start(self) -> Catalogue:
        """Start everything, load the catalogue, and return what was loaded.

        Raises a subclass of EmbeddedStackError; call `stop` then, as always.
        """
        options, state = self.options, self.state
        self._held.enter_context(state.held())
        self._require_service_port()
        catalogue = choose_catalogue(
            options.catalogue,
            map_name=options.map_name,
            index=options.index,
            sample_directory=state.directory,
            say=lambda text: self._say(f"  {text}"),
        )
        chosen = {server: state.port(server) for server in ("redis", "elasticsearch")}
        state.remember_ports(chosen)
        self._variables = self._settings_of_programs(chosen, catalogue)
        state.write_environment(self._variables)
        content = fingerprint(catalogue.path, catalogue.map_name, self._encoder_settings())
        is_known = state.loaded(options.elasticsearch_version, catalogue.index) == content
        self._start_redis(chosen["redis"])
        if is_known and state.model_directory.is_dir():
            self._start_program(_SERVICE, "serve")  # it gets ready while Elasticsearch does
            self._start_elasticsearch(chosen["elasticsearch"])
        else:
            export = self._start_program(_EXPORT, "encoder", "export")
            self._start_workers()  # an encoder takes longest to load
            self._start_elasticsearch(chosen["elasticsearch"])
            self._finish_export(export)
            self._start_program(_SERVICE, "serve")
        self._wait_until_ready(self._programs[_SERVICE])
        self._load(catalogue, content, is_known=is_known)
        return catalogue

    @property
    def has_photos(self) -> bool:
        """Whether photos are encoded."""
        return bool(self._image_encoder())

    def search(self, catalogue: Catalogue) -> FirstSearch:
        """Ask the service a first question. Raises SearchFailed."""
        return search_first(self.options.port, catalogue.index)

    def watch(self) -> None:
        """Start the workers unless they run, and keep everything running until interrupted.

        Raises ServerDidNotStart when a server dies, or a program once too often.
        """
        self._start_workers()
        while True:
            for program in self._programs.values():
                if program.exit_code is not None:
                    self._say(program.restart())
            self._require_servers()
            time.sleep(_WATCH_SECONDS)

    def stop(self) -> None:
        """Stop everything in order, by force what does not end by itself; data stays."""
        with ExitStack() as remaining:  # the last one named is the first one done
            remaining.callback(self._held.close)
            remaining.callback(end_leftovers)
            if self._redis:
                remaining.callback(self._redis.stop, _SERVER_STOP_SECONDS)
            if self._elasticsearch:
                remaining.callback(self._elasticsearch.stop, _SERVER_STOP_SECONDS)
            for program in self._programs.values():
                program.ask_to_stop()
            deadline = Deadline(_PROGRAM_STOP_SECONDS)
            for program in self._programs.values():
                program.stop(deadline.remaining)

    def _start_redis(self, port: int) -> None:
        started = time.monotonic()
        self._redis = EmbeddedRedis(self.state.redis_directory, port=port, environ=self._environ)
        self._redis.start()
        self._report("Redis", self._redis.url, started)

    def _start_elasticsearch(self, port: int) -> None:
        started = time.monotonic()
        version = self.options.elasticsearch_version
        self._elasticsearch = EmbeddedElasticsearch(
            self.state.elasticsearch_directory(version),
            version=version,
            http_port=port,
            heap=self.options.heap,
            on_progress=lambda text: self._say(f"  {text}"),
            environ=self._environ,
        )
        self._elasticsearch.start()
        self._report(f"Elasticsearch {version}", self._elasticsearch.url, started)

    def _finish_export(self, export: Program) -> None:
        """Wait for the query encoder's files, which were begun before Elasticsearch."""
        started = time.monotonic()
        export.wait()
        self._programs.pop(_EXPORT).stop(0)  # it has ended well, and is nothing to watch
        self.state.model_directory.mkdir(exist_ok=True)  # an encoder may have no files
        self._report("Query encoder", str(self.state.model_directory), started)

    def _report(self, name: str, outcome: str, started: float) -> None:
        self._say(f"{name:<21} {outcome} ({time.monotonic() - started:.1f} s)")

    def _require_service_port(self) -> None:
        port = self.options.port
        if not ports.is_free(port):
            who = listener(port)
            by = f" by {who}" if who else ""
            raise PortTaken(
                f"Port {port}, meant for the service, is taken on {ports.LOOPBACK}{by}.",
                f"Stop that process, or choose another port: make run PORT={port + 1}",
            )

    def _settings_of_programs(
        self, chosen: Mapping[str, int], catalogue: Catalogue
    ) -> dict[str, str]:
        photos = {_PHOTO_DIRECTORY: str(catalogue.photos)} if catalogue.photos else {}
        # What the worker encodes the shop page shows, also of a folder that a person has named.
        folder = photos.get(_PHOTO_DIRECTORY) or self._environ.get(_PHOTO_DIRECTORY)
        if folder and _SHOWN_PHOTOS not in self._environ:
            photos[_SHOWN_PHOTOS] = folder
        return {
            **photos,
            **self._ahead(),
            _IMAGE_ENCODER: self._image_encoder(),
            "SHELFWISE_ELASTICSEARCH_URL": f"http://{ports.LOOPBACK}:{chosen['elasticsearch']}",
            "SHELFWISE_REDIS_URL": f"redis://{ports.LOOPBACK}:{chosen['redis']}/0",
            "SHELFWISE_MODEL_DIRECTORY": str(self.state.model_directory),
            "SHELFWISE_SERVICE_HOST": ports.LOOPBACK,
            "SHELFWISE_SERVICE_PORT": str(self.options.port),
        }

    def _encoder_settings(self) -> list[str]:
        """Return what decides the vectors of a load."""
        own = [self._setting(name) for name in ("text_encoder", "text_template")]
        return [*own, self._image_encoder()]

    def _setting(self, name: str) -> str:
        default = SharedSettings.model_fields[name].default
        return self._environ.get(PREFIX + name.upper(), str(default))

    def _image_encoder(self) -> str:
        """Return the encoder of photos: the shipped one, unless another or none is asked for.

        The shipped one is made for the default encoder of texts: beside another, words would
        find no photo, so that it is left to the person to ask for it.
        """
        if _IMAGE_ENCODER in self._environ:
            return self._environ[_IMAGE_ENCODER]
        default = SharedSettings.model_fields["text_encoder"].default
        return _SHIPPED_IMAGE_ENCODER if self._setting("text_encoder") == default else ""

    def _ahead(self) -> dict[str, str]:
        """Return how long products wait for their photos.

        The worker that writes them has not the lane of photos, so that no slow server of photos
        keeps it from its own; the shipped encoder costs it little, unlike others.
        """
        if _PHOTOS_AHEAD in self._environ or self._image_encoder() != _SHIPPED_IMAGE_ENCODER:
            return {}
        return {_PHOTOS_AHEAD: _SECONDS_FOR_PHOTOS}

    def _program_environ(self) -> dict[str, str]:
        """Return our environment with the stack's settings instead of a real cluster's."""
        kept = {
            name: value
            for name, value in self._environ.items()
            # The JDK's place is ours alone; the programs would refuse what they do not know.
            if not name.startswith("SHELFWISE_ELASTICSEARCH_") and name != "SHELFWISE_JAVA_HOME"
        }
        return {**kept, **self._variables, "PYTHONUNBUFFERED": "1"}

    def _start_program(self, name: str, *arguments: str) -> Program:
        log = self.state.log_directory / f"{name.replace(' ', '-')}.log"
        program = Program(name, arguments, log=log, environ=self._program_environ())
        program.start()
        self._programs[name] = program
        return program

    def _start_workers(self) -> None:
        workers = {_WORKER: "changes,bulk", _FAST_WORKER: "fast"}
        if self.has_photos:
            workers[_PHOTO_WORKER] = "photos"
        for name, lanes in workers.items():
            if name not in self._programs:
                self._start_program(name, "worker", "--lanes", lanes)

    def _wait_until_ready(self, service: Program) -> None:
        started, deadline = time.monotonic(), Deadline(_READY_SECONDS)
        while True:
            is_ready, missing = readiness(self.options.port)
            if is_ready:
                self._report("Service", f"http://{ports.LOOPBACK}:{self.options.port}", started)
                return
            if service.exit_code is not None or deadline.passed:
                what = f"did not get ready within {_READY_SECONDS} s: {'; '.join(missing)}"
                if service.exit_code is not None:
                    what = f"ended with exit code {service.exit_code}."
                raise ServerDidNotStart(
                    f"The service {what}",
                    f"The whole log is in {service.log}. Should the data be of other settings than"
                    " today's, begin anew in another folder: make run STATE=.shelfwise-2",
                    last_lines(service.log, _LOG_LINES_SHOWN),
                )
            time.sleep(_POLL_SECONDS)

    def _load(self, catalogue: Catalogue, content: str, *, is_known: bool) -> None:
        """Load the catalogue unless the index holds it already."""
        state, version = self.state, self.options.elasticsearch_version
        started = time.monotonic()
        size = index_size(self._variables["SHELFWISE_ELASTICSEARCH_URL"], catalogue.index)
        if size and is_known:
            self._report("Catalogue", f"{size:,} products are in {catalogue.index!r}", started)
            return
        self._say(f"Loading {catalogue.path.name} into index {catalogue.index!r}")
        state.remember_loaded(version, catalogue.index, None)
        self._start_workers()
        rejects = state.log_directory / f"{catalogue.index}.rejects.jsonl"
        arguments = ["load", str(catalogue.path), "--index", catalogue.index]
        arguments += ["--rejects", str(rejects)]
        arguments += ["--map", catalogue.map_name] if catalogue.map_name else []
        code = run_in_foreground(arguments, environ=self._program_environ())
        if code not in (0, LOADED_WITH_REJECTS):
            again = shlex.join(arguments)
            raise ProgramFailed(
                f"The catalogue was not loaded: `shelfwise {again}` ended with exit code {code}.",
                f"Its reason stands above; the worker's log is in {self._programs[_WORKER].log}.",
            )
        if index_size(self._variables["SHELFWISE_ELASTICSEARCH_URL"], catalogue.index) == 0:
            raise ProgramFailed(
                f"No product of {catalogue.path.name} is in index {catalogue.index!r}.",
                f"Why each one was rejected is in {rejects}; another field map may fit the file"
                " better: make run MAP=...",
            )
        state.remember_loaded(version, catalogue.index, content)
        self._report("Catalogue", f"is in index {catalogue.index!r}", started)

    def _require_servers(self) -> None:
        if self._redis and self._redis.process_id and not is_alive(self._redis.process_id):
            raise _server_died("Redis", self._redis.log_path)
        if self._elasticsearch and not all(map(is_alive, self._elasticsearch.process_ids)):
            raise _server_died("Elasticsearch", self._elasticsearch.log_paths[0])


def _server_died(name: str, log: Path) -> EmbeddedStackError:
    return ServerDidNotStart(
        f"{name} has ended by itself.",
        f"The whole log is in {log}. Start again with make run: the data is kept.",
        last_lines(log, _LOG_LINES_SHOWN),
    )
