# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people answer where a call of a tool waits for them, as the journal's fold keeps it."""

from collections.abc import Mapping
from datetime import datetime

from agents.engine.journal import Entry
from codexos.kernel.jsontypes import JsonObject, JsonValue

APPROVERS = ("deciders", "not_requester", "people")
"""What a question says of who may answer it."""
_OF_CALL = ("tool", "capabilities", "secrets", "labels", "cost_usd", "fingerprint")


def approvers_of(told: JsonObject) -> JsonObject:
    """Return who a question is for, as it says so."""
    return {name: told[name] for name in APPROVERS if name in told}


def people_of(told: JsonObject) -> int:
    """Return how many people have to approve."""
    people = told.get("people")
    return people if isinstance(people, int) else 1


def listed(value: JsonValue) -> list[JsonValue]:
    """Return a list of an entry's data; an empty one where there is none."""
    return list(value) if isinstance(value, list | tuple) else []


def answer_of(entry: Entry, told: JsonObject, *, before: JsonObject | None, until: datetime | None) -> JsonObject:
    """Say what the answers to a question have come to with one more; ``is_partial`` while more people are wanted.

    ``until`` is when an approval has expired, be it used or not.
    """
    data = entry.data
    earlier = before if before is not None and before.get("is_partial") else {}
    by = [*listed(earlier.get("by")), data.get("by")]
    is_approval, is_edited = data.get("decision") == "approve", "arguments" in data
    return {
        "decision": data.get("decision"),
        "by": by,
        "by_ids": [*listed(earlier.get("by_ids")), data.get("by_id")],
        "note": data.get("note"),
        "hash": told.get("hash"),
        "policy": told.get("policy"),
        **({"previewed": told["previewed"]} if "previewed" in told else {}),
        "approvers": approvers_of(told),
        "until": None if until is None else until.isoformat(),
        "is_edited": is_edited,
        "is_partial": is_approval and not is_edited and len(by) < people_of(told),
        "for_run": data.get("for_run") is True and earlier.get("for_run", True) is True,
    }


def grant_of(answer: JsonObject, told: JsonObject) -> JsonObject | None:
    """Say which calls are let through for the rest of the run by an answer; None where it is about one call alone."""
    call = told.get("call")
    if answer["decision"] != "approve" or not answer["for_run"] or answer["is_edited"] or not isinstance(call, Mapping):
        return None
    of_call = {name: call.get(name) for name in _OF_CALL}
    return {**of_call, **{name: answer[name] for name in ("hash", "policy", "approvers", "by")}}
