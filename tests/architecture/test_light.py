# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is not needed is not loaded: heavy libraries stay out of the web process, and the kernel starts nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {
    "litellm",
    "openai",
    "onnxruntime",
    "tokenizers",
    "tiktoken",
    "boto3",
    "botocore",
    "mcp",
    "mcp_types",
    "starlette",
    "httpx2",
}
_TELL = "import sys, json; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def modules_after(*lines: str) -> set[str]:
    """Run lines in a process of their own, and return what it has loaded by then."""
    code = "\n".join([*lines, _TELL])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_kernel_starts_nothing():
    loaded = modules_after("import codexos", "import codexos.kernel.chat", "import codexos.kernel.errors")
    assert {"codexos"} <= loaded
    assert loaded.isdisjoint({"django", "celery", "httpx", "jsonschema", "cryptography", *HEAVY})


def test_a_web_process_that_has_answered_every_kind_of_route_has_no_heavy_library():
    loaded = modules_after(
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'codexos.settings'",
        "from codexos.asgi import application",
        "from codexos.wsgi import application as blocking",
        "from django.urls import get_resolver",
        "def walk(patterns):",
        "    for each in patterns:",
        "        walk(each.url_patterns) if hasattr(each, 'url_patterns') else each.callback",
        "walk(get_resolver().url_patterns)",
        "from llm.operations.chat import chat_stream",
    )
    assert {"django", "llm", "agents"} <= loaded
    assert sorted(loaded & HEAVY) == []
