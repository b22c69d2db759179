# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What an llm step asks a model for, and what it tells of the way its answer took."""

from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal

from agents.engine.asked import asked_of
from agents.engine.documents import parse_flow
from agents.engine.errors import PictureNotNamed
from agents.engine.journal import usage_data, usage_from
from agents.engine.ports import NoPictures
from codexos.kernel.chat import Attempt, ChatAnswer, ChatRequest, Delta, Image, Paid, Usage
from codexos.kernel.errors import Conflict, Unavailable
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.stage import CountingModel, Stage, chain

SKY: JsonObject = {"type": "object", "properties": {"sky": {"type": "string"}}}


class Answering(CountingModel):
    """Gives one answer, or fails as it is told."""

    def __init__(self, answer: ChatAnswer | Exception) -> None:
        super().__init__()
        self.answer = answer

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        yield self.answer


class Unfit(Paid, Conflict):
    """Came to nothing, and cost something."""


class Overloaded(Unavailable):
    """Unavailable in a way of its own."""


async def test_every_setting_reaches_the_request():
    llm = {
        "id": "a",
        "type": "llm",
        "top_p": 0.5,
        "seed": 7,
        "stop": ["END"],
        "attempt_seconds": 20,
        "output_schema": SKY,
        "cache": True,
        "can_wait": True,
    }
    stage = Stage(chain(llm))
    await stage.run()
    (asked,) = stage.model.requests
    assert (asked.top_p, asked.seed, list(asked.stop), asked.timeout_seconds) == (0.5, 7, ["END"], 20.0)
    assert (asked.schema, asked.caches, asked.may_wait) == (SKY, True, True)


async def test_what_is_not_set_is_left_to_the_model():
    stage = Stage(chain({"id": "a", "type": "llm"}))
    await stage.run()
    (asked,) = stage.model.requests
    assert (asked.top_p, asked.seed, asked.stop, asked.timeout_seconds, asked.schema) == (None, None, (), None, None)
    assert (asked.caches, asked.may_wait) == (False, False)


async def test_an_answer_of_a_schema_is_read_by_later_steps():
    answer = ChatAnswer('{"sky": "blue"}', "m", value={"sky": "blue"})
    document = chain({"id": "a", "type": "llm", "output_schema": SKY})
    document["nodes"][-1]["output"] = "{{ a.json.sky }}"
    standing = await Stage(document, model=Answering(answer)).run()
    assert standing.data["output"] == "blue"


async def test_the_way_an_answer_took_stands_in_its_result():
    attempts = [Attempt("gpt-4o", 0.25, "model_overloaded"), Attempt("llama3", 1.5)]
    usage = Usage(100, 5, Decimal("0.01"), cached_tokens=64)
    stage = Stage(
        chain({"id": "a", "type": "llm", "model": "smart"}),
        model=Answering(ChatAnswer("Blue.", "llama3", usage, route="smart", attempts=attempts)),
    )
    standing = await stage.run()
    result = next(entry.data["result"] for entry in stage.of_type("step.done") if entry.node_id == "a")
    assert result["route"] == "smart"
    assert result["attempts"] == [
        {"deployment": "gpt-4o", "seconds": 0.25, "error": "model_overloaded"},
        {"deployment": "llama3", "seconds": 1.5},
    ]
    assert standing.data["usage"] == {"input_tokens": 100, "output_tokens": 5, "cost_usd": 0.01, "cached_tokens": 64}


async def test_an_answer_from_the_cache_says_what_it_saved():
    answer = ChatAnswer("Blue.", "m", is_cached=True, saved_usd=Decimal("0.02"))
    stage = Stage(chain({"id": "a", "type": "llm", "cache": True}), model=Answering(answer))
    await stage.run()
    result = next(entry.data["result"] for entry in stage.of_type("step.done") if entry.node_id == "a")
    assert (result["is_cached"], result["saved_usd"]) == (True, 0.02)
    assert "attempts" not in result


async def test_a_failure_that_cost_something_is_counted():
    error = Unfit("The answer does not fit.")
    error.usage = Usage(40, 5, Decimal("0.5"))
    stage = Stage(chain({"id": "a", "type": "llm"}), model=Answering(error))
    standing = await stage.run()
    assert stage.of_type("step.failed")[0].data["error"]["code"] == "unfit"
    assert standing.data["usage"] == {"input_tokens": 40, "output_tokens": 5, "cost_usd": 0.5}


async def test_who_retries_on_a_kind_of_error_retries_on_each_of_that_kind():
    llm = {"id": "a", "type": "llm", "retry": {"attempts": 2, "on": ["unavailable"]}}
    stage = Stage(chain(llm), model=Answering(Overloaded("Too much to do.")))
    await stage.run()
    assert len(stage.model.requests) == 2


def test_usage_is_read_back_as_it_was_written():
    usage = Usage(100, 5, Decimal("0.01"), cached_tokens=64, cache_write_tokens=8)
    assert usage_from(usage_data(usage)) == usage
    assert usage_data(Usage(1, 2)) == {"input_tokens": 1, "output_tokens": 2, "cost_usd": 0}


class Album:
    """Two pictures."""

    async def show(self, names: Sequence[str]) -> Sequence[Image]:
        if missing := [name for name in names if name not in ("a.png", "b.png")]:
            raise PictureNotNamed(names=missing, known=["a.png", "b.png"])
        return [Image("image/png", name.encode()) for name in names]


async def test_a_model_is_shown_pictures_by_names_and_by_templates_that_give_names():
    given: list[tuple[JsonValue, list[str]]] = [
        ("a.png", ["a.png"]),
        ("{{ input.all }}", ["a.png", "b.png"]),
        (["b.png", "{{ input.one.path }}", "{{ input.one }}", "{{ input.none }}"], ["b.png", "a.png"]),
    ]
    for setting, names in given:
        said: JsonValue = {"all": ["a.png", "b.png"], "one": {"path": "a.png"}, "none": None}
        stage = Stage(chain({"id": "a", "type": "llm", "images": setting}), input=said, pictures=Album())
        await stage.run()
        (asked,) = stage.model.requests
        assert [image.content.decode() for image in asked.messages[-1].images] == names
        intended = next(entry for entry in stage.journal.entries if entry.type == "step.intended")
        assert intended.data["images"] == names
        assert intended.data["estimate"]["input_tokens"] > 1_600 * len(names)


async def test_a_picture_that_is_not_there_is_named_and_no_model_is_asked():
    for pictures, said in ((Album(), "It has 'a.png', 'b.png'."), (NoPictures(), "It has none.")):
        stage = Stage(chain({"id": "a", "type": "llm", "images": ["c.png"]}), pictures=pictures)
        standing = await stage.run()
        error = standing.data["error"]
        assert (standing.status, error["code"], said in error["message"]) == ("failed", "picture_not_named", True)
        assert stage.model.requests == []


def test_an_estimate_counts_the_pictures_that_are_named():
    def tokens(images: JsonValue) -> int:
        graph = parse_flow(chain({"id": "a", "type": "llm", "images": images}))
        return asked_of(graph, given_characters=0)[0].input_tokens

    assert tokens(["a.png", "b.png"]) - tokens("{{ input }}") == 1_600
