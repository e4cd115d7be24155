"""The web process stays light."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "sentence_transformers", "torchvision", "onnxscript")


def loaded_after(statement: str) -> set[str]:
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_service_never_imports_torch():
    wired = (
        "from service.app import create_app\n"
        "from service.bootstrap import build_services\n"
        "from service.settings import ServiceSettings\n"
        "import service.web_server, service.cli\n"
        "create_app(build_services(ServiceSettings(text_encoder='hashing')))"
    )
    loaded = loaded_after(wired)
    assert "flask" in loaded
    assert not loaded & {*HEAVY, "embedded"}


def test_help_of_the_command_line_imports_no_program():
    loaded = loaded_after(
        "from click.testing import CliRunner\n"
        "from mappings.command_line import cli\n"
        "assert 'serve' in CliRunner().invoke(cli, ['--help']).output"
    )
    assert not loaded & {"flask", "celery", "numpy", "elasticsearch", *HEAVY}
