# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Agent settings: what each node that asks a model is told, set by a form, with nothing else in the draft touched."""

from typing import Any

import pytest

from accounts.tenancy import tenant
from agents.engine.asking_nodes import asking_nodes, change_of
from agents.engine.drafts import change_draft, read_draft
from agents.models import Flow
from agents.operations.flows import FlowEdit, change_flow, create_flow
from agents.queries.flows import access_flow
from tests.agents.test_flow_pages import browse
from tests.factories import World

YAML = """\
# Harbor questions
id: tides
nodes:
  - {id: start, type: entry, next: each}
  - id: each  # one after the other
    type: map
    over: "{{ input }}"
    body:
      nodes:
        - {id: in, type: entry, next: ask}
        - {id: ask, type: llm, model: fast, next: out}
        - {id: out, type: exit}
    next: sum
  - id: sum
    type: llm  # the one that counts
    system: |
      Be brief.

      Be kind.
    temperature: 0.2  # not warmer
    # What follows must stay.
    next: end
  - id: end
    type: exit
"""


def told(source: str, **changes: Any) -> str:
    """The text once nodes were told otherwise: ``path__setting`` to a value."""
    draft = read_draft(source)
    found = {node.path: node for node in asking_nodes(draft.document)}
    split = [(*name.split("__"), value) for name, value in changes.items()]
    made = change_draft(draft, [change_of(found[path.replace("_", " / ")], name, value) for path, name, value in split])
    assert {node.path: dict(node.settings) for node in asking_nodes(made.document)} == {
        node.path: {
            name: value
            for name, value in {
                **node.settings,
                **{name: value for path, name, value in split if path.replace("_", " / ") == node.path},
            }.items()
            if value is not None
        }
        for node in found.values()
    }
    return made.source


def test_a_setting_changes_its_own_words_alone() -> None:
    assert told(YAML, sum__temperature=0.7) == YAML.replace("0.2  # not", "0.7  # not")
    assert told(YAML, sum__temperature=None) == YAML.replace("    temperature: 0.2  # not warmer\n", "")
    assert told(YAML, each_ask__model="smart") == YAML.replace("model: fast", '"model": "smart"')
    assert told(YAML, sum__system="Be long.\n\nAnd loud.\n") == YAML.replace("Be brief.", "Be long.").replace(
        "Be kind.", "And loud."
    )
    added = told(YAML, sum__seed=7, each_ask__max_tokens=50)
    assert added == YAML.replace("counts\n", "counts\n    seed: 7\n").replace("{id: ask", '{"max_tokens": 50, id: ask')
    schema = {"type": "object", "properties": {"high": {"type": "string"}}}
    assert "# not warmer\n    # What follows must stay.\n" in told(YAML, sum__output_schema=schema)
    # Settings in config are set there; what stands oddly is written anew and says the same.
    inside = "id: a\nnodes:\n- {id: ask, type: llm, config: {model: fast}}\n"
    assert told(inside, ask__seed=1).count('config: {"seed": 1, model: fast}') == 1
    told(
        'id: a\nnodes: [{"id": "ask", "type": "llm", "model": "fast"\n , stop: [a, b]}]\n',
        ask__stop=["c"],
        ask__model=None,
    )


def make(world: World, source: str = YAML) -> Flow:
    """A flow of the developer's."""
    return create_flow(world.dev.actor, project=world.project, document=read_draft(source))


def sent(world: World, flow: Flow, **said: Any) -> dict[str, Any]:
    """What a browser sends of the form as it stands, with some of it changed: ``n1_seed`` of the second node."""
    page = browse(world.dev).get(f"/flows/{flow.pk}/agent/").context["form"]
    values = {field.html_name: field.value() for field in page}
    shown = {name: value for name, value in values.items() if value not in (None, False)}
    return {**shown, **{name.replace("_", "-", 1): value for name, value in said.items()}}


def test_a_person_sets_an_agent_and_the_rest_of_the_draft_stays(world: World) -> None:
    flow = make(world)
    client, url = browse(world.dev), f"/flows/{flow.pk}/agent/"
    shown = client.get(url).content.decode()
    for words in ("each / ask", "Be kind.", "In the draft", "sum: Model"):  # no model "fast" is set up here
        assert words in shown
    answer = client.post(url, sent(world, flow, n0_model="offline", n1_seed="7", n1_stop="END\nSTOP", n1_cache="on"))
    assert answer.headers["Location"] == url
    kept = access_flow(world.dev.actor, flow.pk)
    assert kept.revision == flow.revision + 1
    said = {node.path: node.settings for node in asking_nodes(kept.draft)}
    assert said["each / ask"] == {"model": "offline"}
    assert {name: said["sum"][name] for name in ("seed", "stop", "cache", "temperature")} == {
        "seed": 7,
        "stop": ["END", "STOP"],
        "cache": True,
        "temperature": 0.2,
    }
    assert all(remark in kept.source for remark in ("# Harbor questions", "# not warmer", "# What follows"))
    # What was not changed is not saved again.
    client.post(url, sent(world, kept))
    assert access_flow(world.dev.actor, flow.pk).revision == kept.revision


def test_what_cannot_be_is_said_beside_its_field_and_keeps_what_was_typed(world: World) -> None:
    flow = make(world)
    client, url = browse(world.dev), f"/flows/{flow.pk}/agent/"
    wrong = {"n1_temperature": "9", "n1_output-schema": "{", "n1_prompt": "Ask {{ nobody.text }}"}
    for name, value in {**wrong, "n0_max_tokens": "-1"}.items():
        answer = client.post(url, sent(world, flow, **{name.replace("output-schema", "output_schema"): value}))
        form = answer.context["form"]
        field = name.replace("_", "-", 1).replace("output-schema", "output_schema")
        assert (answer.status_code, list(form.errors)) == (422, [field]), name
        assert form[field].value() == value
    assert access_flow(world.dev.actor, flow.pk).revision == flow.revision


def test_two_who_save_at_once_lose_nothing(world: World) -> None:
    flow = make(world)
    mine = sent(world, flow, n1_seed="7", n1_temperature="0.9")
    theirs = YAML.replace("0.2", "0.4").replace("Be kind.", "Be blunt.")
    change_flow(world.dev.actor, flow.pk, edit=FlowEdit(draft=read_draft(theirs)))
    answer = browse(world.dev).post(f"/flows/{flow.pk}/agent/", mine)
    form = answer.context["form"]
    assert answer.status_code == 409
    assert access_flow(world.dev.actor, flow.pk).source == theirs
    # Their words stand where I said nothing; mine stand over theirs, and theirs are told.
    assert (form["n1-system"].value(), form["n1-seed"].value(), form["n1-temperature"].value()) == (
        "Be brief.\n\nBe blunt.\n",
        7,
        0.9,
    )
    assert answer.context["theirs"] == {"sum: seed": None, "sum: temperature": 0.4}
    again = {field.html_name: field.value() for field in form if field.value() not in (None, False)}
    assert browse(world.dev).post(f"/flows/{flow.pk}/agent/", again).status_code == 302
    saved = access_flow(world.dev.actor, flow.pk).source
    assert saved == theirs.replace("0.4", "0.9").replace("counts\n", "counts\n    seed: 7\n")


def test_who_may_not_change_it_sees_it_and_strangers_see_nothing(world: World) -> None:
    flow, url = make(world), ""
    url = f"/flows/{flow.pk}/agent/"
    shown = browse(world.viewer).get(url)
    assert all(field.field.disabled for field in shown.context["form"].visible_fields())
    assert "Save in the draft" not in shown.content.decode()
    assert browse(world.viewer).post(url, sent(world, flow, n1_seed="7")).status_code == 403
    assert browse(world.stranger).get(url).status_code == 404
    with tenant(world.acme.pk):
        assert Flow.objects.for_organization(world.acme.pk).get(pk=flow.pk).source == YAML


@pytest.mark.parametrize("source", ["nodes: []\n", "nodes: [a]\n", "nodes:\n- {id: a, type: exit}\n"])
def test_a_flow_that_asks_no_model_says_so(world: World, source: str) -> None:
    flow = make(world, source)
    assert "No node of this flow asks a model" in browse(world.dev).get(f"/flows/{flow.pk}/agent/").content.decode()
