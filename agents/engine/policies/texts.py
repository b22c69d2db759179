# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Policies as text, in JSON or YAML: read strictly, with the line and column of what is wrong, and written readably."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agents.engine.errors import GraphInvalid, PolicyInvalid, Problem
from agents.engine.findings import Findings
from agents.engine.json_text import read_json, to_json
from agents.engine.policies.checking import check_policy
from agents.engine.policies.document import PolicyDocument, as_data
from agents.engine.reading import locate_all
from agents.engine.yaml_text import read_yaml
from agents.engine.yaml_writing import to_yaml
from codexos.kernel.jsontypes import JsonValue

MOST_CHARACTERS = 200_000

EMPTY = "otherwise: built_in\nrules: []\n"
"""The text of a policy that says nothing of its own."""


def read_policy(text: str) -> PolicyDocument:
    """Read a policy from text. Raises PolicyInvalid, with everything that is wrong at once."""
    findings = Findings()
    try:
        document = check_policy(data_of(text), findings)
    except GraphInvalid as error:
        raise PolicyInvalid(error.problems) from None
    if problems := findings.listed():
        raise PolicyInvalid(_located(problems, text))
    return document


def data_of(text: str) -> JsonValue:
    """Read the text of a policy as what JSON can say. Raises GraphInvalid."""
    if len(text) > MOST_CHARACTERS:
        raise GraphInvalid(
            [Problem("$", f"The policy has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read.")]
        )
    if not text.strip():
        return {}
    return read_json(text) if text.lstrip()[:1] in "{[" else read_yaml(text)


def parse_policy(data: JsonValue) -> PolicyDocument:
    """Read a policy from what JSON can say. Raises PolicyInvalid."""
    findings = Findings()
    document = check_policy(data, findings)
    if problems := findings.listed():
        raise PolicyInvalid(problems)
    return document


def write_policy(document: PolicyDocument, *, form: str = "yaml") -> str:
    """Write a policy for people."""
    data = as_data(document)
    return to_json(data) if form == "json" else to_yaml(data)


def _located(problems: Sequence[Problem], text: str) -> list[Problem]:
    spots: Mapping[str, tuple[int, int]] = locate_all(text, [problem.place for problem in problems])
    return [
        replace(problem, line=spots[problem.place][0], column=spots[problem.place][1])
        if problem.place in spots
        else problem
        for problem in problems
    ]
