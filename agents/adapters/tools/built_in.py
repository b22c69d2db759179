# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The tools that come with the product: each is made when a run first names it."""

from collections.abc import Mapping

from django.conf import settings

from agents.adapters.tools.codegen import Codegen
from agents.adapters.tools.file_read import FileRead
from agents.adapters.tools.file_search import FileSearch
from agents.adapters.tools.file_write import FileWrite
from agents.adapters.tools.git import GIT_TOOLS
from agents.adapters.tools.github import GITHUB_TOOLS
from agents.adapters.tools.http_request import HTTPRequest
from agents.adapters.tools.memory import MemoryRead, MemorySearch, MemoryWrite
from agents.adapters.tools.python_exec import PythonExec
from agents.adapters.tools.rag_query import RagQuery
from agents.adapters.tools.room import Maker, Tool, ToolRoom
from agents.adapters.tools.search_providers import ADDRESSES, Provider, ProviderSearch, SearchAccess
from agents.adapters.tools.searxng import SearxngSearch
from agents.adapters.tools.shell import Shell
from agents.adapters.tools.sql_query import SqlQuery
from agents.adapters.tools.web_fetch import WebFetch
from agents.adapters.tools.web_search import WebSearch


def _search(room: ToolRoom) -> Tool:
    url = settings.SEARXNG_URL
    if url:
        return SearxngSearch(url, room.egress)
    keys: Mapping[Provider, str] = {"brave": settings.BRAVE_SEARCH_KEY, "tavily": settings.TAVILY_API_KEY}
    for provider, key in keys.items():
        if key:
            return ProviderSearch(SearchAccess(provider, key, ADDRESSES[provider]), room.egress)
    return WebSearch(room.documents)


BUILT_IN: Mapping[str, Maker] = {
    "Codegen": Codegen,
    "FileRead": FileRead,
    "FileSearch": FileSearch,
    "FileWrite": FileWrite,
    **GIT_TOOLS,
    **GITHUB_TOOLS,
    "HTTPRequest": lambda room: HTTPRequest(room.egress),
    "PythonExec": PythonExec,
    "Shell": Shell,
    "MemoryRead": MemoryRead,
    "MemorySearch": MemorySearch,
    "MemoryWrite": MemoryWrite,
    "RagQuery": RagQuery,
    "SqlQuery": SqlQuery,
    "WebFetch": lambda room: WebFetch(room.egress),
    "WebSearch": _search,
}
"""By name, which is the one in the tool's spec."""
