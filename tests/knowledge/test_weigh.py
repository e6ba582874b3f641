"""Scores of meaning and of words, added and looked at again."""

from __future__ import annotations

import numpy as np
import pytest

from agentlab_tools.knowledge.retrieve import Weighing, weigh

PLAIN = Weighing(words=1.0, toward=0.0, company=0.0)


def unit(*rows: tuple[float, ...]) -> np.ndarray:
    made = np.array(rows, np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


QUERY = unit((1, 0, 0))[0]


def test_a_passage_far_ahead_by_words_beats_one_a_little_ahead_by_meaning() -> None:
    # by ranks both are first once and second once; by scores it is not even close
    vectors = unit((1, 0.10, 0), (1, 0.12, 0), (0, 1, 0))
    scores = weigh(QUERY, vectors, [1.0, 9.0, 0.0], PLAIN)
    assert scores.argmax() == 1
    assert scores[1] > scores[0] + 0.5


def test_the_question_moves_toward_what_came_first() -> None:
    # the last two are equally far from the question; one of them is like the passage that leads
    vectors = unit((1, 0.3, 0), (1, 2, 0), (1, 0, 2), (0, 0, 1))
    still = weigh(QUERY, vectors, [0.0] * 4, PLAIN)
    moved = weigh(QUERY, vectors, [0.0] * 4, Weighing(first=1, toward=0.5, company=0.0))
    assert still[1] == pytest.approx(still[2], abs=1e-6)
    assert moved[1] > moved[2] + 0.02


def test_a_passage_gains_by_being_like_others_that_score_well() -> None:
    vectors = unit((1, 0.3, 0), (1, 0.4, 0), (1, 0, 1.5), (1, 1.5, 0), (0, 0, 1))
    alone = weigh(QUERY, vectors, [0.0] * 5, PLAIN)
    among = weigh(QUERY, vectors, [0.0] * 5, Weighing(toward=0.0, company=0.3))
    assert alone[2] == pytest.approx(alone[3], abs=1e-6)
    assert among[3] > among[2]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_candidates_are_no_trouble(count: int) -> None:
    scores = weigh(QUERY, unit((1, 0, 0), (0, 1, 0))[:count], [1.0, 0.0][:count])
    assert len(scores) == count
    assert np.isfinite(scores).all()


def test_candidates_that_are_all_alike_stay_in_order() -> None:
    scores = weigh(QUERY, unit(*[(1, 1, 0)] * 6), [2.0] * 6)
    assert np.ptp(scores) < 1e-6
