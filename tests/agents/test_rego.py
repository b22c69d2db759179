# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rego in its own process: what it decides, and what becomes of a text that is broken, endless, huge or curious."""

import json
import threading
from collections.abc import Iterator

import pytest

from agents.adapters.rego import MOST_KEPT, RegoLimits, RegoSource, RegoText, compile_rego, rego_text, stop_all
from agents.engine.errors import PolicyInvalid
from agents.engine.gate import ProposedCall
from agents.engine.policies.errors import RegoFailed
from agents.engine.policies.facts import Caller
from agents.engine.policies.gates import PolicyGate
from agents.engine.policies.texts import parse_policy
from codexos.kernel.jsontypes import JsonValue

HEAD = "package codexos\n\n"
MODEL_POSTS = ProposedCall(
    "HTTPRequest",
    {"url": "https://api.example.com/", "json": {"é": "\u2028"}},
    capabilities=("read", "write", "egress:api.example.com"),
    chosen_by="model",
)
# Long enough that a busy machine does not decide the test.
PATIENT = RegoLimits(seconds=0.3, wait_seconds=20.0, compiling_seconds=20.0)


@pytest.fixture(autouse=True)
def _ends() -> Iterator[None]:
    yield
    stop_all()


def ask(body: str, told: JsonValue = None, *, limits: RegoLimits = PATIENT) -> JsonValue:
    text = RegoText(HEAD + body, limits=limits)
    try:
        return text.evaluate(json.dumps(told or {}))
    finally:
        text.stop()


def gate(body: str, *, mode: str, rules: JsonValue = ()) -> PolicyGate:
    document = parse_policy({"rules": rules, "rego": {"mode": mode, "source": HEAD + body}})
    return PolicyGate(document, Caller(role="developer"), rego=RegoText(HEAD + body, limits=PATIENT))


def test_a_text_is_told_of_the_call_and_decides() -> None:
    body = """
    decision := {"verdict": "deny", "reasons": [sprintf("%s may not post to %s", [input.caller.role, h])]} if {
        some h in input.hosts
        endswith(h, ".example.com")
        input.arguments.url
    }
    """
    decision = gate(body, mode="stricter").decide(MODEL_POSTS)
    assert (decision.verdict, decision.reasons) == ("deny", ("developer may not post to api.example.com",))


@pytest.mark.parametrize(
    ("said", "mode", "verdict"),
    [
        ('{"verdict": "allow"}', "stricter", "ask"),  # the house asks; Rego may only be stricter
        ('{"verdict": "deny"}', "stricter", "deny"),
        ('{"verdict": "allow"}', "decides", "allow"),
        ("input.rules", "decides", "ask"),
        ('{"verdict": "perhaps"}', "decides", "deny"),
        ('"allow"', "decides", "deny"),
        ('{"verdict": "allow"} if input.missing', "decides", "deny"),  # undefined
        ('{"verdict": "allow"} if 1 == 1 / 0', "decides", "deny"),
        ("nothing_like_it(1)", "decides", "deny"),
    ],
)
def test_rego_is_stricter_or_decides_and_whatever_goes_wrong_denies(said: str, mode: str, verdict: str) -> None:
    decision = gate(f"decision := {said}\n", mode=mode).decide(MODEL_POSTS)
    assert decision.verdict == verdict
    assert bool(decision.reasons) is (verdict != "allow")


def test_the_taint_rules_stand_above_rego_unless_it_says_that_it_takes_the_risk() -> None:
    labelled = ProposedCall("Shell", {}, capabilities=("exec",), labels=frozenset({"knowledge"}), chosen_by="model")
    assert gate('decision := {"verdict": "allow"}\n', mode="decides").decide(labelled).verdict == "ask"
    risky = 'decision := {"verdict": "allow", "takes_risk": true, "reasons": ["our own documents"]}\n'
    told = gate(risky, mode="decides").decide(labelled)
    assert (told.verdict, told.reasons) == ("allow", ("our own documents",))
    # What may only be stricter takes no risks.
    assert gate(risky, mode="stricter").decide(labelled).verdict == "ask"


def test_rego_says_who_may_approve() -> None:
    body = 'decision := {"verdict": "ask", "approvers": {"who": ["org_admin"], "people": 2, "not_requester": true}}\n'
    approvers = gate(body, mode="decides").decide(MODEL_POSTS).approvers
    assert (approvers.deciders, approvers.people, approvers.not_requester) == (("org_admin",), 2, True)


def test_without_a_place_to_evaluate_it_every_call_is_denied() -> None:
    document = parse_policy({"rego": {"source": HEAD + "decision := input.rules"}})
    assert PolicyGate(document).decide(MODEL_POSTS).verdict == "deny"


ENDLESS = "decision := count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a == b + 5000])\n"


@pytest.mark.parametrize(
    "body",
    [
        ENDLESS,
        "decision := count(numbers.range(1, 1000000000))\n",  # more memory than there is
        'decision := count(sprintf("%0999999999d", [1]))\n',
    ],
)
def test_a_text_that_takes_too_much_ends_its_own_process_and_nothing_else(body: str) -> None:
    with pytest.raises(RegoFailed):
        ask(body)
    assert ask('decision := {"verdict": "allow"}\n') == {"verdict": "allow"}


def test_a_text_that_keeps_failing_rests_and_is_denied_at_once() -> None:
    text = RegoText(HEAD + ENDLESS, limits=RegoLimits(seconds=0.05, wait_seconds=20.0, most_failures=2))
    said = []
    for _ in range(3):
        with pytest.raises(RegoFailed) as caught:
            text.evaluate("{}")
        said.append("rests" in caught.value.message)
    assert said == [False, False, True]


def test_the_process_has_nothing_to_tell() -> None:
    # Such a text is refused before it comes here; that it would learn nothing is the second wall.
    told = ask("decision := opa.runtime()\n")
    assert isinstance(told, dict)
    assert set(told["env"]) <= {"LC_CTYPE"}  # which Python sets for itself


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('decision := {"verdict": "allow"\n', "Line 3, column 13: Rego says: this is unclosed"),
        ("decision := nothing_like_it(1)\n", "Function not found"),
        ("f(x) := f(x - 1)\ndecision := f(3)\n", "Recursion"),
    ],
)
def test_a_text_that_does_not_compile_is_told_where(body: str, said: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        compile_rego(HEAD + body, sample="{}")
    assert caught.value.problems[0].place == "$.rego.source"
    assert said in caught.value.message


def test_a_text_has_one_process_however_often_it_is_asked_for() -> None:
    first = rego_text(HEAD + "decision := input.n\n")
    assert first is rego_text(HEAD + "decision := input.n\n")
    assert [first.evaluate(f'{{"n": {n}}}') for n in range(3)] == [0, 1, 2]
    for n in range(MOST_KEPT):
        rego_text(f"{HEAD}decision := {n}\n")
    assert first is not rego_text(HEAD + "decision := input.n\n")
    # Whoever holds the way to it is answered all the same.
    assert RegoSource(HEAD + "decision := input.n\n").evaluate('{"n": 7}') == 7


async def test_a_text_is_compiled_beside_the_loop_before_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a text that has made room for others
    source, began = HEAD + 'decision := {"verdict": "allow"}', []
    start = RegoText._start

    def noted(text: RegoText) -> None:
        if not text.is_running:
            began.append(threading.current_thread())
        start(text)

    monkeypatch.setattr(RegoText, "_start", noted)
    document = parse_policy({"rego": {"mode": "stricter", "source": source}})
    asked = PolicyGate(document, Caller(role="developer"), rego=RegoSource(source))
    # when it is made ready and then asked, twice over
    for _ in range(2):
        await asked.make_ready()
        assert asked.decide(MODEL_POSTS).verdict in {"allow", "ask"}
        rego_text(source).stop()
    # then nobody on the loop has waited for it
    assert len(began) == 2
    assert threading.main_thread() not in began
