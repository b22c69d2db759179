# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""litellm translates and does nothing else: no network, no settings from a file, nothing on the event loop."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from codexos.kernel.http import EgressPolicy, EgressRefused
from llm.adapters.translation import anthropic, bedrock, gemini, library
from llm.errors import ModelRequestRefused
from tests.llm.wire.conftest import Line

PROGRAM = """
import os, socket, sys
tried = []
def refuse(self, address):
    tried.append(address)
    raise OSError("no network here")
socket.socket.connect = socket.socket.connect_ex = refuse
from llm.adapters.translation.library import load
load()
import litellm
callbacks = [*litellm.callbacks, *litellm.success_callback, *litellm.failure_callback, *litellm.input_callback]
print([tried, callbacks, litellm.telemetry, os.environ.get("CANARY"), "boto3" in sys.modules])
"""


def test_loading_asks_no_network_and_reads_no_file_of_settings(tmp_path: Path):
    (tmp_path / ".env").write_text("CANARY=read\n")
    home = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={"PYTHONPATH": str(home), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[[], [], False, None, False]"


async def test_it_is_loaded_and_used_off_the_event_loop(translated: Line, monkeypatch: pytest.MonkeyPatch):
    threads = []
    real = library.load

    def load() -> Any:
        threads.append(threading.current_thread())
        return real()

    for module in (anthropic, bedrock, gemini):
        monkeypatch.setattr(module, "load", load)
    await translated.ask()
    assert threads[0] is not threading.main_thread()


async def test_what_cannot_be_translated_is_told_without_its_words(translated: Line, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("Received Messages=[the secret plan]")

    monkeypatch.setattr(library.load().AnthropicConfig, "transform_request", broken)
    monkeypatch.setattr(library.load().BedrockConfig, "transform_request", broken)
    monkeypatch.setattr(library.load(), "gemini_body", broken)
    with pytest.raises(ModelRequestRefused, match="ValueError") as raised:
        await translated.ask("the secret plan")
    assert "secret plan" not in f"{raised.value.message} {raised.value.details}"
    assert translated.fake.knocks == 0


async def test_litellm_never_sees_the_key(translated: Line, monkeypatch: pytest.MonkeyPatch):
    """Nothing of what it is given holds the key; and it is not read from the environment in its stead either."""
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "sk-from-the-environment")
    seen = []
    real = library.load()

    class Watched:
        def __getattr__(self, name: str) -> Any:
            made = getattr(real, name)

            def make(*given: Any, **named: Any) -> Any:
                seen.append(f"{given} {named}")
                return made(*given, **named)

            return make

    for module in (anthropic, bedrock, gemini):
        monkeypatch.setattr(module, "load", Watched)
    await translated.ask()
    assert seen
    assert translated.deployment.key not in " ".join(seen)
    sent = translated.fake.asked[-1]
    assert "sk-from-the-environment" not in f"{sent.headers} {sent.raw!r}"


async def test_it_goes_nowhere_even_where_a_base_address_stands_in_the_environment(
    translated: Line, monkeypatch: pytest.MonkeyPatch
):
    for name in ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL", "GEMINI_API_BASE", "AWS_BEDROCK_RUNTIME_ENDPOINT"):
        monkeypatch.setenv(name, translated.fake.url)
    translated.policy = EgressPolicy()
    with pytest.raises(EgressRefused):
        await translated.ask()
    assert translated.fake.knocks == 0
