"""What was shown and is gone from the screen is gone from memory, too."""

from __future__ import annotations

import gc
from collections import Counter
from pathlib import Path

from test_playground import playground, say, to_playground
from textual.strip import Strip
from textual.widget import Widget

from agentlab_tui.widgets.conversation import Conversation


def _alive() -> Counter[str]:
    """How many widgets there are, and lines they have drawn."""
    gc.collect()
    # by their types: to ask an object for its class wakes lazy modules of other tests
    kinds = [type(one) for one in gc.get_objects()]
    return Counter(
        widgets=sum(issubclass(kind, Widget) for kind in kinds),
        lines=kinds.count(Strip),
    )


async def test_a_talk_that_is_begun_anew_leaves_nothing_behind(tmp_path: Path) -> None:
    app = playground(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await to_playground(pilot)
        conversation = screen.query_one(Conversation)
        seen: list[Counter[str]] = []
        for _ in range(4):
            for _ in range(3):
                await say(pilot, "Tell me something.")
                await conversation.begin_anew()
                await pilot.pause()
            seen.append(_alive())
    # twelve talks: what is left of three is the same after the first six as after the last
    assert seen[3]["widgets"] <= seen[1]["widgets"] + 6
    assert seen[3]["lines"] <= 1.15 * seen[1]["lines"]
