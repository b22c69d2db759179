# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writes the list of prices that comes with the house, from the cost map that the installed litellm brings along."""

import hashlib
import json
import re
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

FOLDER = Path("llm") / "engine" / "prices"
MAP = "model_prices_and_context_window_backup.json"
# How our kinds are called there, by what their models begin with there, and which of them are worth listing.
KINDS = {
    "openai": (("openai",), "", r"(gpt-[3-9]|o[1-9]|chatgpt-|ft:gpt-).*"),
    "anthropic": (("anthropic",), "", r"claude-.*"),
    "gemini": (("gemini",), "gemini/", r"(gemini-[2-9].*|gemini-(flash|flash-lite|pro)-latest|gemma-.*)"),
    "azure": (("azure",), "azure/", r"(gpt-[3-9]|o[1-9])[^/]*"),
    "mistral": (("mistral",), "mistral/", r"(mistral|ministral|codestral|devstral|magistral|open-mistral|pixtral)-.*"),
    "bedrock": (
        ("bedrock", "bedrock_converse"),
        "",
        r"((us|eu|global)\.)?anthropic\.claude-(haiku|sonnet|opus|fable)-[4-9].*"
        r"|amazon\.nova.*|meta\.llama(3-[13]|4).*|openai\.gpt-oss.*|mistral\.(mistral-large|devstral|ministral).*",
    ),
}
EMBEDDERS = re.compile(r"(gemini/|azure/|mistral/)?(text-embedding-|gemini-embedding-|mistral-embed|codestral-embed).*")
OMITTED = re.compile(
    r"audio|search|realtime|transcribe|tts|image|deep-research|codex|cyber|preview|robotics|computer-use|exp-|"
    r"chat$|-pro-20|35-|instant|voxtral|vision|@"
)
DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
}


class Command(BaseCommand):
    """bin/manage write_prices DAY"""

    help = "Write the list of prices from the cost map of the installed litellm; DAY is of when that is."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the day."""
        parser.add_argument("day", help="of which day the prices are, such as 2026-09-30")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the list, and its hash into the code that reads it. Raises CommandError where there is no map."""
        found = find_spec("litellm")
        if found is None or found.origin is None:
            raise CommandError("litellm is not installed here. Install requirements.txt.")
        costs = json.loads((Path(found.origin).parent / MAP).read_text(encoding="utf-8"), parse_float=Decimal)
        rows = sorted(listed(costs), key=lambda row: (row["kind"], row["model"]))
        head = {"as_of": options["day"], "source": f"litellm {version('litellm')}", "currency": "USD"}
        written = ",\n".join(json.dumps(row) for row in rows)
        text = f'{json.dumps(head)[:-1]}, "prices": [\n{written}\n]}}\n'
        folder = settings.BASE_DIR / FOLDER
        (folder / "snapshot.json").write_text(text, encoding="utf-8")
        code = (folder / "snapshot.py").read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        (folder / "snapshot.py").write_text(re.sub(r'SHA256 = ".*"', f'SHA256 = "{digest}"', code), encoding="utf-8")
        self.stdout.write(f"{len(rows)} prices, sha256 {digest}")


def listed(costs: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows worth listing; a dated name that costs what its plain one does is left out."""
    for kind, (providers, prefix, pattern) in KINDS.items():
        models = {
            name.removeprefix(prefix): row(costs[name])
            for name in costs
            if costs[name].get("litellm_provider") in providers
            and name.startswith(prefix)
            and _is_worth_listing(name, costs[name], pattern=pattern, prefix=prefix)
            and not OMITTED.search(name)
            and "input_cost_per_token" in costs[name]
        }
        for model, data in models.items():
            if not DATED.search(model) or models.get(DATED.sub("", model)) != data:
                yield {"kind": kind, "model": model, **data}


def _is_worth_listing(name: str, cost: Mapping[str, Any], *, pattern: str, prefix: str) -> bool:
    if cost.get("mode") == "embedding":
        return EMBEDDERS.fullmatch(name) is not None
    return cost.get("mode") in {"chat", "responses"} and re.fullmatch(pattern, name.removeprefix(prefix)) is not None


def row(cost: Mapping[str, Any]) -> dict[str, Any]:
    """Return one model's rate for a million tokens."""
    data: dict[str, Any] = {name: per_million(cost[field]) for name, field in FIELDS.items() if cost.get(field)}
    data.setdefault("input", "0")
    data.setdefault("output", "0")
    if batch := cost.get("input_cost_per_token_batches"):
        factor = (Decimal(batch) / Decimal(cost["input_cost_per_token"])).quantize(Decimal("0.01"))
        data |= {"batch_factor": f"{factor.normalize():f}"} if 0 < factor < 1 else {}
    for above in (200, 272):
        named = {name: f"{field}_above_{above}k_tokens" for name, field in FIELDS.items()}
        if cost.get(named["input"]) and cost.get(named["output"]):
            long = {name: per_million(cost[field]) for name, field in named.items() if cost.get(field)}
            data["long"] = {"above": above * 1000, **long}
    if isinstance(most := cost.get("max_output_tokens"), int):
        data["most_output"] = most
    return data


def per_million(per_token: Decimal) -> str:
    """Return the price of a million tokens."""
    return f"{(Decimal(per_token) * 1_000_000).normalize():f}"
