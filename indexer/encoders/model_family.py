"""Any sentence-transformers text model: found by hub name or path, torch in the worker only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.encoders.base import LoadOptions, TextEncoder
from indexer.encoders.model_export import find_export, make_current, read_export
from indexer.encoders.model_folder import ModelFolder, read_model_folder
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

if TYPE_CHECKING:
    from indexer.encoders.sentence_transformer import SentenceTransformerEncoder

_NOT_NEEDED = ["onnx/*", "openvino/*", "coreml/*", "*.h5", "*.msgpack", "*.ot", "*.onnx"]
_PICKLED = ["*.bin", "*.pt", "*.pth"]


@dataclass(frozen=True)
class ModelFamily:
    """The registry's line for models that sentence-transformers loads. See EncoderFamily.

    locate: returns the folder of a name, fetching it when need be.
    identify: returns the folder's identity without fetching, None when it is not known here.
    """

    what: str
    licence: str
    needs: str
    locate: Callable[[str], ModelFolder]
    identify: Callable[[str], ModelFolder | None]

    def spec(self, name: str, *, template: str, model_directory: Path) -> EncoderSpec:
        """Return the identity from the model's files, else from its export."""
        here = self.identify(name)
        if here is not None:
            return here.spec(template)
        return read_export(find_export(model_directory, name, revision=None)).spec(template)

    def load_text_encoder(self, name: str, *, template: str, options: LoadOptions) -> TextEncoder:
        """Return the model in torch, in the fastest precision that keeps its vectors."""
        return self._load_torch(name, template, options)

    def load_query_encoder(
        self, name: str, *, template: str, model_directory: Path, threads: int
    ) -> TextEncoder:
        """Return the export in ONNX Runtime, of the revision that is here when one is."""
        from indexer.encoders.onnx_text import OnnxTextEncoder

        here = self.identify(name)
        folder = find_export(model_directory, name, revision=here.revision if here else None)
        return OnnxTextEncoder(folder, template=template, threads=threads)

    def export(self, name: str, *, template: str, model_directory: Path) -> Path:
        """Write the query encoder's ONNX form unless this revision is there."""
        located = self.locate(name)
        try:
            exported = find_export(model_directory, name, revision=located.revision)
        except EncoderUnavailable:
            return self._export_anew(located, name, template, model_directory)
        make_current(exported)
        return exported

    def _export_anew(
        self, located: ModelFolder, name: str, template: str, model_directory: Path
    ) -> Path:
        options = LoadOptions(device="cpu", precision="float32")
        encoder = self._load_torch(name, template, options, located)
        from indexer.encoders.onnx_export import export_model

        return export_model(encoder, name=name, model_directory=model_directory)

    def _load_torch(
        self,
        name: str,
        template: str,
        options: LoadOptions,
        located: ModelFolder | None = None,
    ) -> SentenceTransformerEncoder:
        try:
            from indexer.encoders.sentence_transformer import SentenceTransformerEncoder
        except ModuleNotFoundError as error:
            raise EncoderUnavailable(
                f"encoder {name!r} needs {error.name}; run pip install 'shelfwise[models]'"
            ) from error
        folder = located or self.locate(name)
        return SentenceTransformerEncoder.load(folder, template=template, options=options)


def locate_model(name: str) -> ModelFolder:
    """Return the folder of a model given by path or hub name, downloading it when need be.

    Raises EncoderUnavailable when there is no such model or the hub cannot be reached.
    """
    here = identify_model(name)
    if here is not None:
        return here
    if is_path(name):
        raise EncoderUnavailable(f"encoder {name!r}: there is no such folder")
    return read_model_folder(name, fetch_snapshot(name, local_files_only=False))


def identify_model(name: str) -> ModelFolder | None:
    """Return the model's identity when its files are on this machine, else None."""
    path = Path(name).expanduser()
    if path.is_dir():
        return read_model_folder(path.resolve().name, path)
    if is_path(name):
        return None
    try:
        return read_model_folder(name, fetch_snapshot(name, local_files_only=True))
    except EncoderUnavailable:
        return None


def is_path(name: str) -> bool:
    """Return whether a name is a folder's rather than one of the hub, whether it exists or not."""
    return name.startswith(("/", ".", "~")) or name.count("/") > 1


def fetch_snapshot(name: str, *, local_files_only: bool) -> Path:
    """Return the hub's local copy; pickled weights are fetched only when there are no others.

    Raises EncoderUnavailable when it is not there, or cannot be fetched.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ModuleNotFoundError as error:
        raise EncoderUnavailable(
            f"encoder {name!r} needs {error.name}; run pip install 'shelfwise[models]'"
        ) from error
    try:
        for ignored in (_NOT_NEEDED + _PICKLED, _NOT_NEEDED):
            path = Path(
                snapshot_download(name, ignore_patterns=ignored, local_files_only=local_files_only)
            )
            if any(path.rglob("*.safetensors")):
                break
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        raise EncoderUnavailable(
            f"encoder {name!r} is neither registered, nor a folder, nor a model that can be "
            f"fetched from the hub: {str(error).splitlines()[0]}"
        ) from error
    return path


FAMILY = ModelFamily(
    what="A sentence-transformers model, by hub name or path",
    licence="the model's own",
    needs="worker: shelfwise[models]; service: an export",
    locate=locate_model,
    identify=identify_model,
)
