# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which reader reads a document: said by its first bytes, then its name, then whoever sent it."""

import re
from dataclasses import dataclass

from rag.engine.media import is_pdf, type_by_name

HEAD_BYTES = 4096
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_SHEBANG = re.compile(rb"#!\s*\S*?(?:/|\benv\s+(?:-S\s+)?)(python|node|bash|sh|ruby|php|deno)[\d.]*\b")
_SHEBANGS = {b"python": "python", b"node": "javascript", b"deno": "typescript", b"ruby": "ruby", b"php": "php"}


@dataclass(frozen=True, slots=True)
class Kind:
    """``reader`` names the file here that reads it; ``language`` is that of code."""

    reader: str
    media_type: str
    language: str = ""


_DOCX = Kind("word", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
_XLSX = Kind("sheets", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
_MARKDOWN, _HTML_KIND = Kind("markdown_text", "text/markdown"), Kind("html_text", "text/html")
_JSON, _LINES = Kind("json_text", "application/json"), Kind("json_text", "application/jsonl")
_PLAIN = Kind("plain_text", "text/plain")

_BY_ENDING: dict[str, Kind] = {
    **dict.fromkeys(("md", "markdown", "mdx", "mdown", "qmd", "rmd"), _MARKDOWN),
    "rst": Kind("markdown_text", "text/x-rst"),
    **dict.fromkeys(("html", "htm", "xhtml"), _HTML_KIND),
    **dict.fromkeys(("json", "geojson", "webmanifest", "har"), _JSON),
    **dict.fromkeys(("jsonl", "ndjson"), _LINES),
    "ipynb": Kind("notebook", "application/x-ipynb+json"),
    "csv": Kind("csv_rows", "text/csv"),
    **dict.fromkeys(("tsv", "tab"), Kind("csv_rows", "text/tab-separated-values")),
    **dict.fromkeys(("docx", "docm"), _DOCX),
    **dict.fromkeys(("xlsx", "xlsm"), _XLSX),
    **dict.fromkeys(("txt", "text", "log"), _PLAIN),
}
_LANGUAGES = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c h",
    "cpp": "cc cpp cxx c++ hh hpp hxx h++ inl ipp",
    "csharp": "cs",
    "ruby": "rb rake gemspec",
    "php": "php phtml",
    "bash": "sh bash zsh ksh",
    # No grammar for these: they are read by lines.
    "kotlin": "kt kts",
    "swift": "swift",
    "scala": "scala sc",
    "sql": "sql",
    "lua": "lua",
    "perl": "pl pm",
    "r": "r",
    "dart": "dart",
    "elixir": "ex exs",
    "erlang": "erl hrl",
    "haskell": "hs",
    "clojure": "clj cljs cljc",
    "groovy": "groovy gradle",
    "julia": "jl",
    "zig": "zig",
    "powershell": "ps1 psm1",
    "terraform": "tf tfvars hcl",
    "protobuf": "proto",
    "graphql": "graphql gql",
    "css": "css scss sass less",
    "vue": "vue svelte",
    "yaml": "yaml yml",
    "toml": "toml",
    "ini": "ini cfg conf properties env",
    "xml": "xml xsd xsl xslt wsdl svg plist rss atom",
    "cmake": "cmake",
    "makefile": "mk mak",
    "dockerfile": "dockerfile",
    "tex": "tex bib",
}
_BY_CODE_ENDING = {ending: language for language, endings in _LANGUAGES.items() for ending in endings.split()}
_BY_NAME = {
    "dockerfile": "dockerfile",
    "makefile": "makefile",
    "gnumakefile": "makefile",
    "cmakelists.txt": "cmake",
    "rakefile": "ruby",
    "gemfile": "ruby",
    "jenkinsfile": "groovy",
    "procfile": "yaml",
}
_BY_MEDIA_TYPE = {kind.media_type: kind for kind in (*_BY_ENDING.values(), _PLAIN)} | {
    "application/xhtml+xml": _HTML_KIND,
    "text/x-markdown": _MARKDOWN,
    "application/x-ndjson": _LINES,
}


def kind_of(path: str, *, head: bytes, said: str = "") -> Kind:
    """Return what a document that begins with ``head`` is read by; ``said`` is the media type it was sent with."""
    return _by_magic(head) or _by_name(path) or _by_what_is_said(said) or _by_looks(head)


def _by_magic(head: bytes) -> Kind | None:
    if is_pdf(head.lstrip(b"\xef\xbb\xbf\r\n\t ")) or is_pdf(head):
        return Kind("pdf_pages", "application/pdf")
    if head.startswith(_ZIP):
        return Kind("office", "application/zip")
    return Kind("office", "application/x-ole-storage") if head.startswith(_OLE) else None


def _by_name(path: str) -> Kind | None:
    name = path.lower().rpartition("/")[2]
    ending = name.rpartition(".")[2] if "." in name else ""
    if language := _BY_NAME.get(name) or _BY_CODE_ENDING.get(ending):
        return Kind("code_text", type_by_name(path) or f"text/x-{language}", language)
    return _BY_ENDING.get(ending)


def _by_what_is_said(said: str) -> Kind | None:
    said = said.partition(";")[0].strip().lower()
    # Servers that know no better say so of everything.
    return None if said == _PLAIN.media_type else _BY_MEDIA_TYPE.get(said)


def _by_looks(head: bytes) -> Kind:
    if _HTML.match(head):
        return _HTML_KIND
    if shebang := _SHEBANG.match(head):
        language = _SHEBANGS.get(shebang[1], "bash")
        return Kind("code_text", f"text/x-{language}", language)
    return _PLAIN
