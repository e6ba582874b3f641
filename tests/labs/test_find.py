"""Labs are found by id or folder, and a broken one says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_lab import LAB, LESSON, write_lab

from agentlab.errors import LabError
from agentlab.labs.course import course, lab_roots
from agentlab.labs.find import find_folder, list_folders, load


def test_a_lab_is_found_by_its_id_and_by_its_folder(tmp_path: Path):
    folder = write_lab(tmp_path)
    assert find_folder("m9/adding", [tmp_path]) == folder
    assert find_folder(str(folder), []) == folder
    assert list(list_folders([tmp_path])) == [("m9/adding", folder)]


def test_of_two_labs_with_one_id_the_first_root_counts_everywhere(tmp_path: Path):
    mine, theirs = write_lab(tmp_path / "mine"), write_lab(tmp_path / "theirs")
    roots = [tmp_path / "mine", tmp_path / "theirs"]
    assert list(list_folders(roots)) == [("m9/adding", mine)]
    assert find_folder("m9/adding", roots) == mine
    assert find_folder("m9/adding", roots[::-1]) == theirs


def test_an_id_that_is_nearly_right_gets_a_suggestion(tmp_path: Path):
    write_lab(tmp_path)
    with pytest.raises(LabError, match="did you mean m9/adding"):
        find_folder("m9/addin", [tmp_path])


def test_a_folder_without_a_lab_is_named_as_such(tmp_path: Path):
    with pytest.raises(LabError, match=r"no lab\.py"):
        find_folder(str(tmp_path), [])


def test_a_lab_loads_with_its_own_modules_and_its_text_split_by_step(tmp_path: Path):
    lab = load(write_lab(tmp_path))
    assert [step.id for step in lab.steps] == ["read", "add", "quiz"]
    assert lab.lesson.intro == "# Adding\n\nHello."
    assert lab.lesson.steps == {"read": "Words.", "add": "Do it.", "quiz": "Think."}


@pytest.mark.parametrize(
    ("lab", "said"),
    [
        ("1/0", "ZeroDivisionError"),
        ("def broken(:", "SyntaxError"),
        ("lab = 5", "does not define"),
        (LAB.replace('            tools=("add",),', '            tools=("sub",),'), "'sub'"),
        (LAB.replace('id="quiz"', 'id="add"'), "two steps have the same id"),
        (LAB.replace('id="quiz"', 'id="The Quiz"'), "small letters"),
    ],
)  # fmt: skip
def test_a_broken_lab_says_what_is_wrong(tmp_path: Path, lab: str, said: str):
    with pytest.raises(LabError, match=said):
        load(write_lab(tmp_path, lab=lab))


@pytest.mark.parametrize("lesson", [None, "# No steps", LESSON.replace("{#quiz}", "{#add}")])
def test_a_lesson_that_does_not_fit_the_steps_is_an_error(tmp_path: Path, lesson: str | None):
    with pytest.raises(LabError, match=r"lesson\.md"):
        load(write_lab(tmp_path, lesson=lesson))


def test_every_lab_that_comes_along_loads_and_lies_where_its_id_says():
    found = dict(list_folders(lab_roots()))
    assert "m5/tool-use" in found
    for id, folder in found.items():
        assert load(folder).id == id


def test_every_lab_that_comes_along_has_its_place_in_the_course():
    labs = [id for id, _ in list_folders(lab_roots())]
    assert set(labs) <= set(course().after)
    order = course().order({id: load(find_folder(id, lab_roots())).prerequisites for id in labs})
    of_module = [id for id in order if id.startswith("m3/")]
    assert of_module == [id for id in course().after if id in of_module]


def test_labs_come_in_the_order_one_takes_them():
    needs = {
        "m5/coder": ("m5/tool-use", "m9/gone"),
        "m5/alone": (),
        "m5/tool-use": ("m3/call",),
        "m3/call": (),
        "m0/b": ("m0/a",),
        "m0/a": ("m0/b",),
    }
    assert course().order(needs) == [
        "m0/b",
        "m0/a",
        "m3/call",
        "m5/tool-use",
        "m5/alone",
        "m5/coder",
    ]


def test_a_lab_written_before_labs_were_called_so_still_loads(tmp_path: Path):
    old = LAB.replace("agentlab.labs", "agentlab.scenario").replace(
        "ReadStep, Lab", "ReadStep, Scenario"
    )
    folder = write_lab(tmp_path, lab=old.replace("lab = Lab(", "scenario = Scenario("))
    (folder / "lab.py").rename(folder / "scenario.py")
    assert load(folder).id == "m9/adding"
    assert [id for id, _ in list_folders([folder.parent.parent])] == ["m9/adding"]
