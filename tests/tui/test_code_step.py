"""A step whose answer is a program."""

from __future__ import annotations

import shutil
from pathlib import Path

from textual.widgets import TextArea
from tui_world import finished, open_app, text_of, to_lab, tried, until

from agentlab_tui.progress import ProgressStore

CODE_LABS = Path(__file__).parent / "code_labs"
OWN = "def double(n):\n    return n + n\n"


async def test_a_program_is_typed_saved_as_a_file_of_its_own_and_graded(tmp_path: Path) -> None:
    store = ProgressStore(tmp_path / "progress")
    tried(tmp_path, "m9/program", "double")
    app = open_app(tmp_path, roots=(CODE_LABS,))
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "double")
        area = lab.query_one(TextArea)
        assert area.text == "def double(n):\n    ...\n"
        await pilot.press("w")
        await finished(pilot, "the lab's solution")
        assert lab.query("CheckRow.-passed")
        heads = text_of(lab, "CaseHead")
        assert "twice 0" in heads
        assert "print(" not in heads.replace("» ", "")
        area.load_text(OWN)
        await until(pilot, lambda: store.read_text("m9/program", "double.py") == OWN)
        await pilot.press("g")
        await finished(pilot, "your answer · graded")
        assert "run_python" in str(lab.query("Call").last().border_title)
        assert "3 tried" in text_of(lab, "CheckRow .says")
        await until(pilot, lambda: store.lab("m9/program").mark("double") == "passed")


async def test_a_script_is_a_file_of_its_kind_and_coloured_as_one(tmp_path: Path) -> None:
    shutil.copytree(CODE_LABS, tmp_path / "labs")
    lab_file = tmp_path / "labs" / "m9" / "program" / "lab.py"
    declared = lab_file.read_text().replace('id="double",', 'id="double",\n language="bash",')
    lab_file.write_text(declared)
    store = ProgressStore(tmp_path / "progress")
    app = open_app(tmp_path, roots=(tmp_path / "labs",))
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "double")
        area = lab.query_one(TextArea)
        assert area.language == "bash"
        area.load_text("echo $(($1 * 2))\n")
        await until(
            pilot, lambda: store.read_text("m9/program", "double.sh") == "echo $(($1 * 2))\n"
        )
