"""What can stop the local stack, each with what a person can do about it.

EmbeddedStackError
  JdkMissing            no JDK 21 or newer with javac
  NetworkUnavailable    something must be downloaded and the registry does not answer
  DownloadCorrupt       a downloaded jar is not the pinned one
  DiskFull              no room for the jars or the data
  PortTaken             another process listens where ours should
  DirectoryInUse        another process runs on this data directory
  DataDirectoryMismatch the data was written by a newer version or by more nodes
  RedisMissing          neither redis-server on the PATH nor the bundled one
  PluginBuildFailed     javac refused our plugin
  ServerDidNotStart     the process ended or did not answer in time; carries its last log lines
"""

from __future__ import annotations


class EmbeddedStackError(Exception):
    """Something that the local stack needs is missing or broken.

    what: what happened, with the offending value; how_to_mend: what the reader can do.
    """

    def __init__(self, what: str, how_to_mend: str) -> None:
        super().__init__(what, how_to_mend)
        self.what = what
        self.how_to_mend = how_to_mend

    def __str__(self) -> str:
        return f"{self.what}\n{self.how_to_mend}"


class JdkMissing(EmbeddedStackError):
    """No full JDK of a sufficient version was found, nor could one be fetched."""


class NetworkUnavailable(EmbeddedStackError):
    """A download that is needed once cannot be made now."""


class DownloadCorrupt(EmbeddedStackError):
    """A file's SHA-256 is not the one that is pinned."""


class DiskFull(EmbeddedStackError):
    """A write failed for want of room."""


class PortTaken(EmbeddedStackError):
    """The port that was asked for is in use."""


class DirectoryInUse(EmbeddedStackError):
    """Another running process holds the data directory."""


class DataDirectoryMismatch(EmbeddedStackError):
    """The data directory cannot be opened in the way that was asked for."""


class RedisMissing(EmbeddedStackError):
    """There is no redis-server to run."""


class PluginBuildFailed(EmbeddedStackError):
    """The Java sources of the plugin did not compile."""


class ServerDidNotStart(EmbeddedStackError):
    """A server process ended early or did not answer before the timeout.

    last_log_lines: the end of its output, oldest first.
    """

    def __init__(self, what: str, how_to_mend: str, last_log_lines: tuple[str, ...] = ()) -> None:
        super().__init__(what, how_to_mend)
        self.args = (what, how_to_mend, last_log_lines)
        self.last_log_lines = last_log_lines

    def __str__(self) -> str:
        if not self.last_log_lines:
            return super().__str__()
        log = "\n".join(f"  {line}" for line in self.last_log_lines)
        return f"{self.what}\nIts last words:\n{log}\n{self.how_to_mend}"
