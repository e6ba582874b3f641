"""m4/vision: what arrives is what services take, and who reads vectors reads them as words."""

from __future__ import annotations

import base64
import importlib
import importlib.util
import io
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from pydantic import TypeAdapter, ValidationError

from agentlab.errors import MissingExtra, ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m4/vision", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    return importlib.import_module(lab.equip.__module__.replace("tools", name))


def program(lab: Lab, step_id: str) -> dict[str, Any]:
    """What the solution of a step defines."""
    step = lab.step(step_id)
    assert isinstance(step, CodeStep)
    made: dict[str, Any] = {}
    exec(step.solution.code, made)
    return made


def raw(message: Any, contents: ModuleType) -> list[dict[str, Any]]:
    """A message as a program in the sandbox gets it."""
    return [
        {**one, "picture": base64.b64decode(one["picture"])} if "picture" in one else dict(one)
        for one in contents.told(message)
    ]


def take(kind: Any, given: list[Any]) -> None:
    adapter = TypeAdapter[Any](kind)
    for one in given:
        adapter.validate_python(one, strict=True)


def png(size: tuple[int, int] = (4, 3)) -> str:
    file = io.BytesIO()
    Pillow.new("RGB", size, "red").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_the_types_of_the_official_packages_take_what_the_solution_sends(lab: Lab):
    """And not what is meant for another protocol."""
    chat = pytest.importorskip("openai.types.chat").ChatCompletionContentPartImageParam
    responses = pytest.importorskip("openai.types.responses").ResponseInputImageParam
    messages = pytest.importorskip("anthropic.types").ImageBlockParam
    contents, parts = part(lab, "contents"), program(lab, "wire")["parts"]
    kinds = {"chat": chat, "responses": responses, "messages": messages}
    for message in contents.messages(5):
        for name in kinds:
            pictures = [
                one for one in parts(name, raw(message, contents)) if "text" not in one["type"]
            ]
            assert pictures
            for other, kind in kinds.items():
                given = [
                    {**one, "detail": "auto"} if name == other == "responses" else one
                    for one in pictures
                ]
                if name == other:
                    take(kind, given)
                else:
                    with pytest.raises(ValidationError):
                        take(kind, given)


def test_googles_types_take_what_the_solution_sends(lab: Lab):
    types = pytest.importorskip("google.genai.types")
    contents, parts = part(lab, "contents"), program(lab, "wire")["parts"]
    for message in contents.messages(6):
        for one in parts("gemini", raw(message, contents)):
            made = types.Part.model_validate(one)
            assert made.text or made.inline_data.data[:2] in (b"\x89P", b"\xff\xd8", b"RI", b"GI")


def test_official_clients_are_answered(lab: Lab):
    openai, anthropic = pytest.importorskip("openai"), pytest.importorskip("anthropic")
    served, wire = part(lab, "served"), part(lab, "wire")
    link = f"data:image/png;base64,{png()}"
    text = "What is it?"
    with served.serving() as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        content: Any = [
            {"type": "text", "text": text},
            {"type": "image_url", "image_url": {"url": link}},
        ]
        said = client.chat.completions.create(
            model=wire.MODEL, messages=[{"role": "user", "content": content}]
        )
        due = "text (11 letters), picture (4 × 3, image/png)"
        assert said.choices[0].message.content == due
        content = [
            {"type": "input_text", "text": text},
            {"type": "input_image", "image_url": link, "detail": "auto"},
        ]
        said = client.responses.create(
            model=wire.MODEL, input=[{"role": "user", "content": content}]
        )
        assert said.output_text == due
        source = {"type": "base64", "media_type": "image/png", "data": png()}
        content = [{"type": "text", "text": text}, {"type": "image", "source": source}]
        client = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)
        said = client.messages.create(
            model=wire.MODEL, max_tokens=9, messages=[{"role": "user", "content": content}]
        )
        assert said.content[0].text == due
        source["media_type"] = "image/jpeg"
        with pytest.raises(anthropic.BadRequestError, match="looks like image/png"):
            client.messages.create(
                model=wire.MODEL, max_tokens=9, messages=[{"role": "user", "content": content}]
            )


@pytest.mark.parametrize(
    ("name", "bad", "says"),
    [
        ("chat", {"type": "image_url", "image_url": "data:image/png;base64,"}, "an object"),
        ("chat", {"type": "image_url", "image_url": {"url": "https://a.b/c.png"}}, "data:<media"),
        ("chat", {"type": "text", "text": " "}, "non-empty"),
        ("responses", {"type": "input_image", "image_url": {"url": "x"}}, "data:<media"),
        ("messages", {"type": "image", "source": {"type": "url", "url": "x"}}, "unknown field"),
        ("gemini", {"inline_data": {}}, "unknown field 'inline_data'"),
        ("gemini", {"text": "a", "inlineData": {}}, "either text or"),
        ("gemini", {"inlineData": {"mimeType": "image/bmp", "data": ""}}, "not supported"),
        ("gemini", {"inlineData": {"mimeType": "image/png", "data": "%%"}}, "not base64"),
    ],
)
def test_what_no_service_takes_is_refused_in_words(lab: Lab, name: Any, bad: Any, says: str):
    wire = part(lab, "wire")
    with pytest.raises(wire.Refused, match=says):
        wire.received(name, wire.body(name, [bad]))


def test_a_picture_that_is_too_large_or_cut_off_is_refused(lab: Lab):
    wire = part(lab, "wire")
    for data, says in ((png((1569, 2)), "no side"), (png()[:60], "decoded")):
        bad = {"inlineData": {"mimeType": "image/png", "data": data}}
        with pytest.raises(wire.Refused, match=says):
            wire.received("gemini", wire.body("gemini", [bad]))


def test_every_flaw_is_in_a_message_and_no_two_seeds_are_alike(lab: Lab):
    contents = part(lab, "contents")
    drawn = contents.messages(1)
    flaws = [one.flaw for message in drawn for one in message if not isinstance(one, str)]
    assert len(set(flaws)) == 7
    large = next(one for one in drawn[2] if not isinstance(one, str))
    assert Pillow.open(io.BytesIO(large.data)).size == (1250, 2000)
    assert part(lab, "wire").upright(large.data).shape == (1250, 2000, 3)
    assert contents.told(drawn[0]) != contents.told(contents.messages(2)[0])


def test_vectors_of_words_are_read_as_those_words(lab: Lab):
    """The same scores as for the text, by another way through llama.cpp."""
    from agentlab.backends.llamacpp.registry import find
    from agentlab_tools.train.bridge.score import UNSCORED, Scorer

    mind = part(lab, "mind").mind()
    before, word, after = "The picture of a", " dog", " shows a"
    options = ["dog", "police car", "tropical drink"]
    ids = [mind.tokens(one) for one in (before, word, after)]
    said = mind.scores(ids[0], mind.table[ids[1]], ids[2], options)
    again = mind.scores(ids[0], mind.table[ids[1]], ids[2], options[::-1])[::-1]
    assert np.allclose(said, again, atol=0.05)
    with Scorer(find("local:smollm2").path, size=64) as scorer:
        for one, score in zip(options, said, strict=True):
            end = scorer.tokens(f" {one}")
            whole = [*ids[0], *ids[1], *ids[2], *end]
            labels = [UNSCORED] * (len(whole) - len(end)) + end
            assert -scorer.loss(whole, labels)[0] == pytest.approx(score, abs=0.15)
    assert said.argmax() == 0


def test_what_is_held_back_is_not_learnt_from(lab: Lab):
    seen = part(lab, "seen")
    split = seen.split(3)
    known = set(split.known)
    assert not known & set(split.drawings)
    assert not {one.thing for one in known} & {one.thing for one in split.things}
    names = seen.emoji().names
    new = {str(names[one.thing]) for one in split.things}
    learnt = {str(names[one.thing]) for one in known}
    others = {word for one in known for word in seen.emoji().words[one.thing]}
    assert set(split.words) == learnt | others
    assert len(new - set(split.words)) > 200
    for one in seen.questions(split.things, 20, 1):
        assert len(set(one.choices)) == 5
        assert one.choices[one.right] == one.picture.thing
        assert set(one.choices) <= {other.thing for other in split.things}


def test_a_mixture_goes_from_the_mean_to_the_nearest(lab: Lab):
    mixed = part(lab, "eyes").mixed
    rows = np.eye(3)
    scores = np.array([[0.1, 0.3, 0.2]])
    assert np.allclose(mixed(scores, rows, 1e6), 1 / 3)
    assert np.allclose(mixed(scores, rows, 1e-3), [[0, 1, 0]])
    assert np.allclose(mixed(scores, rows, 0.1), np.exp([[1, 3, 2]]) / np.exp([1, 3, 2]).sum())


def test_the_space_agrees_on_what_both_have(lab: Lab):
    """The strongest direction is the one that two noisy arrays share."""
    space, rng = part(lab, "space"), np.random.default_rng(0)
    shared = rng.normal(size=(500, 1))
    x = np.concatenate([rng.normal(size=(500, 4)), shared], axis=1)
    y = np.concatenate([-shared, rng.normal(size=(500, 3))], axis=1)
    see, read = space.agree(x, y, width=1, lean=1e-6)
    assert abs(np.corrcoef(see(x)[:, 0], shared[:, 0])[0, 1]) > 0.99
    assert np.corrcoef(see(x)[:, 0], read(y)[:, 0])[0, 1] > 0.99


def test_names_are_found_in_what_is_told(lab: Lab):
    mentioned = part(lab, "looking").mentioned
    names = ["dog", "hot dog", "Bus", "cat"]
    assert mentioned("I found a hot dog.", names) == ["hot dog"]
    assert set(mentioned("a dog or a hot dog", names)) == {"dog", "hot dog"}
    assert mentioned("The bus", names) == ["Bus"]
    assert mentioned("a catalogue", names) == []
    assert mentioned("a hot, dog", names) == ["hot dog"]
    assert mentioned("a face with a monocle", ["face with monocle"]) == ["face with monocle"]


def test_an_agent_that_looks_elsewhere_or_says_nothing_is_found_out(lab: Lab):
    misled = part(lab, "judging").misled
    told = [{"heard": ["dog"]}, {"heard": ["bus"]}, {"heard": ["cat"]}]
    one = {"asked": "What is in picture 1?", "number": 1, "looked": [1], "told": "a dog"}
    good = {**one, "heard": ["dog"], "said": "A dog."}
    assert misled({"told": told, "agent": [good, good]}, None) is None
    assert "looked at [2]" in str(misled({"told": told, "agent": [{**good, "looked": [2]}]}, None))
    mute = {**one, "heard": [], "said": "I found 1."}
    assert "lost what was told" in str(misled({"told": told, "agent": [mute, mute, good]}, None))


@pytest.mark.parametrize(
    ("value", "says"),
    [("abc", "not"), (np.ones((3, 2)), r"\(3, 2\)"), (np.full((2, 2), np.nan), "none")],
)
def test_what_is_no_array_of_numbers_is_refused(lab: Lab, value: Any, says: str):
    with pytest.raises(ToolError, match=says):
        part(lab, "looking").numbers(value, (2, None), "rows are due")


@pytest.mark.parametrize("left", [{}, {"parts": {}}, {"parts": 3}, {"parts": {"chat": [1]}}])
async def test_what_a_program_forged_is_its_own_fault(lab: Lab, left: Any):
    async def run(given: Any, glue: str) -> Any:
        assert "parts(_name" in glue
        assert len(given["messages"]) == 4
        return left

    with pytest.raises(ToolError, match="can't be read"):
        await part(lab, "posting").posted(run, 1, None)


def test_a_sheet_has_a_row_for_each_picture(lab: Lab):
    sheet = part(lab, "sheet")
    row = sheet.Row(np.zeros((32, 32, 3), np.uint8), "a dog, a bus?" * 30, "a bus", "a dog", False)
    made = Pillow.open(io.BytesIO(sheet.sheet([row, row, row])))
    assert made.height > 3 * 72
    assert np.asarray(made)[20, 20].tolist() == [0, 0, 0]


async def test_without_what_reads_the_model_one_line_says_so(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "gguf" else find(name)
    )
    with pytest.raises(MissingExtra, match=r"^gguf is not installed: .*train\S*$"):
        async with lab.equip():
            pass
