# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Brave Search and Tavily as their interfaces are described: the key in its place, and answers in their shapes."""

import json
from dataclasses import dataclass, field

from tests.kernel.local_server import Asked, LocalServer, answer

KEY = "search-key-7f3a9c51"


@dataclass
class SearchProviders(LocalServer):
    """Answers both at one address each; a wrong key is refused as theirs is."""

    queries: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.speech = lambda asked: [self._say(asked)]

    def _say(self, asked: Asked) -> bytes:
        is_brave = asked.path.startswith("/brave?")
        sent = asked.headers.get("x-subscription-token" if is_brave else "authorization", "").removeprefix("Bearer ")
        if sent != KEY:
            return _json({"error": f"no such key {sent}"}, status="401 Unauthorized")
        if is_brave and asked.method == "GET":
            self.queries.append(asked.path.partition("q=")[2].partition("&")[0])
            hit = {"title": "The kakapo", "url": "https://birds.example/kakapo", "description": "A parrot."}
            return _json({"type": "search", "web": {"results": [hit, {"title": "odd", "url": "javascript:x"}]}})
        if asked.path == "/tavily" and asked.method == "POST":
            said = json.loads(asked.body)
            self.queries.append(said["query"])
            hit = {"title": "The kea", "url": "https://birds.example/kea", "content": f"A parrot. {KEY}", "score": 0.9}
            return _json({"query": said["query"], "results": [hit] * said["max_results"]})
        return _json({}, status="404 Not Found")


def _json(value: object, *, status: str = "200 OK") -> bytes:
    return answer(json.dumps(value).encode(), status=status, Content_Type="application/json")
