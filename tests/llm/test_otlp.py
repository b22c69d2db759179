# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How telemetry is sent: again where that may help, keeping nobody waiting, and nowhere but where it is named."""

import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from codexos.env import Environment, SettingInvalid
from codexos.kernel.egress import EgressPolicy
from llm.adapters.otlp import MOST_AT_ONCE, MOST_WAITING, OtlpTracer, Sender
from tests.fakes.otlp import BASIC, Receiver, serve_receiver


def test_what_may_pass_is_sent_again_and_what_may_not_is_let_go(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_receiver(statuses=[503, 429], retry_after="0") as running:
        tracer = tracer_to(running)
        monkeypatch.setattr(Sender, "rest", lambda self, seconds: None)
        tracer.begin("one", {}).end({})
        tracer.flush()
        assert ([span.name for span in running.spans], running.requests) == (["one"], 3)
        running.statuses = [400]
        tracer.begin("two", {}).end({})
        tracer.flush()
        assert running.requests == 4
        running.rejects = 1
        tracer.begin("three", {}).end({})
        tracer.close()
    assert "it answered with 400" in caplog.text
    assert "1 spans were refused" in caplog.text


def tracer_to(receiver: Receiver, *, policy: EgressPolicy | None = None, every_seconds: float = 60) -> OtlpTracer:
    port = int(receiver.url.split(":")[2].split("/")[0])
    return OtlpTracer(
        f"{receiver.url}/v1/traces",
        headers={"Authorization": f"Basic {BASIC}"},
        policy=policy or EgressPolicy(named=frozenset({("127.0.0.1", port)})),
        service={"service.name": "codexos"},
        every_seconds=every_seconds,
    )


def test_a_queue_that_is_full_drops_spans_and_keeps_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    with serve_receiver(held=threading.Event()) as running:
        tracer = tracer_to(running)
        # Enough to have the thread send, and be held by the receiver.
        for number in range(MOST_AT_ONCE):
            tracer.begin(f"early {number}", {}).end({})
        assert running.asked.wait(20)
        for number in range(MOST_WAITING + 500):
            tracer.begin(f"late {number}", {}).end({})
        assert running.spans == []
        assert running.held is not None
        running.held.set()
        tracer.flush()
        late = [span.name for span in running.spans if span.name.startswith("late")]
        tracer.close()
    # The newest are kept, and of the others it is said how many they were.
    assert "500 spans were dropped" in caplog.text
    assert len(late) == MOST_WAITING
    assert late[-1] == f"late {MOST_WAITING + 499}"


def test_the_gate_lets_it_out_to_the_named_address_alone(caplog: pytest.LogCaptureFixture) -> None:
    with serve_receiver() as running:
        tracer = tracer_to(running, policy=EgressPolicy())
        tracer.begin("one", {}).end({})
        tracer.close()
        assert running.requests == 0
    assert "may not be reached" in caplog.text


FORKED = """
import os, sys
from tests.fakes.otlp import serve_receiver
from tests.llm.test_otlp import tracer_to
with serve_receiver() as running:
    tracer = tracer_to(running)
    tracer.begin("before", {}).end({})
    tracer.flush()
    tracer.begin("parent", {}).end({})
    child = os.fork()
    if child == 0:
        tracer.begin("child", {}).end({})
        tracer.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    tracer.close()
    print(sorted(span.name for span in running.spans), running.wrong)
"""


def test_a_fork_takes_along_neither_spans_nor_connections() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "codexos.settings"}
    run = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()" + FORKED],
        *(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "['before', 'child', 'parent'] []"


def test_headers_are_read_and_never_repeated(tmp_path: Any) -> None:
    kept = tmp_path / "headers"
    kept.write_text(f"Authorization=Basic%20{BASIC},x-langfuse-ingestion-version=4\n")
    kept.chmod(0o400)
    read = Environment({"CODEXOS_OTLP_HEADERS_FILE": str(kept)}).headers("CODEXOS_OTLP_HEADERS")
    assert read == {"Authorization": f"Basic {BASIC}", "x-langfuse-ingestion-version": "4"}
    for wrong in (BASIC, "A b=c", "X-Key=", "A=%0d%0aB"):
        with pytest.raises(SettingInvalid) as refused:
            Environment({"CODEXOS_OTLP_HEADERS": wrong}).headers("CODEXOS_OTLP_HEADERS")
        assert wrong not in str(refused.value)
