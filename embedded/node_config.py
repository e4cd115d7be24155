"""The files and the command line of one embedded node."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from embedded import ports
from embedded.jdk import Jdk
from embedded.layout import NODE_MAIN_CLASS

_LOG4J = """\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = [%d{{ISO8601}}][%-5p][%-25c{{1.}}] [%node_name]%marker %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""

# What Elasticsearch's own launcher passes, less what only a large machine wants.
_JVM_OPTIONS = (
    "-Xss1m",
    "-XX:+UseG1GC",
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Djna.nosys=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Dlog4j2.formatMsgNoLookups=true",
    "-Des.networkaddress.cache.ttl=60",
    "-Des.networkaddress.cache.negative.ttl=10",
)
_JDK_MODULES = "jdk.net,jdk.incubator.vector,jdk.management,org.elasticsearch.server"
_NATIVE_ACCESS = "org.elasticsearch.nativeaccess,org.apache.lucene.core"


@dataclass(frozen=True)
class NodeConfig:
    """One node. seeds: the transport addresses of all; first_masters: only on a first start."""

    name: str
    cluster_name: str
    directory: Path
    http_port: int
    transport_port: int
    seeds: tuple[str, ...]
    first_masters: tuple[str, ...]

    @property
    def url(self) -> str:
        """Where it answers HTTP."""
        return f"http://{ports.LOOPBACK}:{self.http_port}"

    @property
    def data_directory(self) -> Path:
        """Its indices."""
        return self.directory / "data" / self.name

    @property
    def config_directory(self) -> Path:
        """Its configuration; word lists and synonym files are looked for here."""
        return self.directory / "config" / self.name

    @property
    def log_path(self) -> Path:
        """Its log."""
        return self.directory / "logs" / f"{self.name}.log"

    @property
    def output_path(self) -> Path:
        """What the JVM itself prints, such as a failure before logging works."""
        return self.directory / "logs" / f"{self.name}.out"

    def settings(self) -> dict[str, object]:
        """Give the node's elasticsearch.yml as a flat mapping."""
        settings: dict[str, object] = {
            "cluster.name": self.cluster_name,
            "node.name": self.name,
            "path.data": str(self.data_directory),
            "path.logs": str(self.log_path.parent),
            "network.host": ports.LOOPBACK,
            "http.port": self.http_port,
            "transport.port": self.transport_port,
            # A trial on a laptop's full disk must not turn its indices read-only.
            "cluster.routing.allocation.disk.threshold_enabled": False,
        }
        if len(self.seeds) == 1:
            settings["discovery.type"] = "single-node"
        else:
            settings["discovery.seed_hosts"] = list(self.seeds)
            if self.first_masters:
                settings["cluster.initial_master_nodes"] = list(self.first_masters)
        return settings

    def write(self) -> None:
        """Write the configuration and make the folders."""
        for folder in (self.data_directory, self.config_directory, self.log_path.parent):
            folder.mkdir(parents=True, exist_ok=True)
        # JSON values are YAML values, and need no YAML library.
        lines = [f"{key}: {json.dumps(value)}\n" for key, value in self.settings().items()]
        (self.config_directory / "elasticsearch.yml").write_text("".join(lines), encoding="utf-8")
        (self.config_directory / "log4j2.properties").write_text(
            _LOG4J.format(log=self.log_path.as_posix()), encoding="utf-8"
        )

    def command(self, jdk: Jdk, layout: Path, heap: str, options: list[str]) -> list[str]:
        """Give the command line, with more JVM options, that runs it until we die or stop it."""
        return [
            str(jdk.java),
            f"-Xms{heap}",
            f"-Xmx{heap}",
            *_JVM_OPTIONS,
            *options,
            f"-Djava.io.tmpdir={self.directory / 'tmp'}",
            f"-XX:ErrorFile={self.log_path.parent / 'jvm_crash_%p.log'}",
            f"--enable-native-access={_NATIVE_ACCESS}",
            f"--add-modules={_JDK_MODULES}",
            "--module-path",
            str(layout / "lib"),
            "-cp",
            str(layout / "node.jar"),
            NODE_MAIN_CLASS,
            str(layout),
            str(self.config_directory),
            self.name,
            str(os.getpid()),
        ]
