"""Asking before something is gone."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from mappings.confirming import confirm
from mappings.errors import MissingSetting


@click.command()
def command() -> None:
    confirm("Sure?")
    click.echo("done")


@pytest.mark.parametrize(("answer", "said"), [("y\n", "done"), ("n\n", "Aborted")])
def test_answer_decides(answer: str, said: str) -> None:
    assert said in CliRunner().invoke(command, input=answer).output


def test_no_answer_names_the_option() -> None:
    result = CliRunner().invoke(command, input="")
    assert isinstance(result.exception, MissingSetting)
    assert "--yes" in str(result.exception)
