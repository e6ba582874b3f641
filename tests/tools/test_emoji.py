"""The packaged emoji: what is kept fits together, and the encoder sees what was kept of it."""

from __future__ import annotations

import numpy as np
import pytest

from agentlab_tools.emoji import PICTURE, SIDE, TEXT, Encoder, emoji
from agentlab_tools.knowledge.embed import open_embedder


def test_every_thing_has_two_pictures_a_name_of_its_own_words_and_a_kind():
    known = emoji()
    n = len(known.names)
    assert n == len(set(known.names.tolist())) == len(known.words) == len(known.kinds) == 1217
    assert known.pictures.shape == (2, n, SIDE, SIDE, 3)
    assert known.features.shape == (2, n, PICTURE)
    assert known.of_names.shape == known.of_words.shape == (n, TEXT)
    assert sum(not words for words in known.words) < 30
    np.testing.assert_allclose(np.linalg.norm(known.of_names, axis=1), 1, atol=1e-5)


def test_pictures_are_things_on_white_and_both_makers_drew_the_same():
    known = emoji()
    corners = known.pictures[:, :, (0, 0, -1, -1), (0, -1, 0, -1)]
    assert (corners > 240).all(axis=-1).mean() > 0.85
    ink = (known.pictures < 230).any(axis=-1).mean(axis=(2, 3))
    assert ((ink > 0.02) & (ink < 0.99)).mean() > 0.97
    one, other = (known.features[m] - known.features.mean(axis=(0, 1)) for m in (0, 1))
    one, other = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (one, other))
    best = (one @ other.T).argmax(axis=1)
    assert (best == np.arange(len(best))).mean() > 0.4  # 0.001 by chance


def test_the_encoder_sees_what_is_kept_and_the_embedder_reads_it():
    """Whole numbers of eight bits lose nothing that would change what is near."""
    known, rows = emoji(), [0, 300, 700, 1100]
    seen = Encoder().features(known.pictures[1, rows])
    for made, kept in zip(seen, known.features[1, rows], strict=True):
        assert np.corrcoef(made, kept)[0, 1] > 0.999
    read = open_embedder(threads=1).embed([str(known.names[n]) for n in rows])
    assert ((read * known.of_names[rows]).sum(axis=1) > 0.999).all()


def test_the_encoder_takes_pictures_of_any_size_and_none():
    encoder = Encoder()
    assert encoder.features(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0, PICTURE)
    assert encoder.features(np.full((9, 32, 96, 3), 255, np.uint8)).shape == (9, PICTURE)


def test_without_onnxruntime_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch):
    from agentlab.errors import MissingExtra

    def missing(name: str) -> object:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("agentlab_tools.emoji.import_module", missing)
    with pytest.raises(MissingExtra, match="onnxruntime"):
        Encoder()
