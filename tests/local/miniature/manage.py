# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Stands in for the product's commands: writes down that it was called, and a demo file."""

import json
import os
import sys
from pathlib import Path

home = Path(os.environ["CODEXOS_HOME"])
with (home / "commands.txt").open("a") as calls:
    calls.write(f"{sys.argv[1]}\n")
if sys.argv[1] == "seed_demo":
    person = {"email": "ada@example.com", "password": "a-generated-one", "role": "org_admin", "token": "cos_pat_x"}
    demo = {"url": os.environ.get("PORT"), "organizations": [{"slug": "north", "people": [person]}]}
    (home / "demo.json").write_text(json.dumps(demo))
if sys.argv[1] == "variables":
    sys.stdout.write(json.dumps(dict(os.environ)))
