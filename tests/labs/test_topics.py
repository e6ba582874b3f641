"""The course's topics: each is taught by a step that is there, and each lab teaches one."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from agentlab.cli.main import cli
from agentlab.errors import LabError
from agentlab.labs.course import Course, course, lab_roots
from agentlab.labs.find import list_folders, load
from agentlab.labs.values import ReadStep

STEPS = {
    (id, step.id): step for id, folder in list_folders(lab_roots()) for step in load(folder).steps
}


def test_every_topic_of_the_roadmap_is_there():
    modules = [topic.module for topic in course().topics]
    assert [modules.count(module.id) for module in course().modules] == [10, 8, 6, 13, 7, 9]


@pytest.mark.parametrize("topic", course().topics, ids=lambda topic: topic.name)
def test_a_topic_is_taught_by_steps_in_which_something_is_done(topic):
    for place in topic.steps:
        assert place in STEPS, f"there is no step {place}"
    done = [place for place in topic.steps if not isinstance(STEPS[place], ReadStep)]
    assert done
    assert all(lab.startswith(f"{topic.module}/") for lab, _ in topic.steps)


def test_every_lab_of_the_course_teaches_a_topic():
    taught = {lab for topic in course().topics for lab, _ in topic.steps}
    assert taught == set(course().after)


def test_the_command_shows_topics_with_their_steps():
    said = CliRunner().invoke(cli, ["list", "--topics"]).output
    assert "Prerequisites" in said
    assert "m1/backprop: engine, teach" in said
    rows = json.loads(CliRunner().invoke(cli, ["list", "--topics", "--json"]).output)
    assert len(rows) == 53
    assert {"lab": "m5/dpo", "step": "loss"} in rows[[r["topic"] for r in rows].index("DPO")][
        "steps"
    ]


def test_a_place_that_is_none_is_one_line(tmp_path):
    file = tmp_path / "course.toml"
    file.write_text('modules = []\nlabs = {}\n[topics.m0]\n"Bash" = ["m0/bash"]\n')
    with pytest.raises(LabError, match="'m0/bash' is no LAB#STEP"):
        Course.load(file)
