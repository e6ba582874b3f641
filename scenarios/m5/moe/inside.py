"""Our code around a learner's functions, in the sandbox; each leaves arrays in `_made`."""

from __future__ import annotations

from pathlib import Path

NET = (Path(__file__).with_name("net.txt")).read_text(encoding="utf-8")
"""The net and its training; the learner may read it as `net.py`, and can't change what is run."""

BEGIN = """import json, os, sys, time
import numpy
_given = dict(numpy.load("given.npz", allow_pickle=False))
_told = json.load(open("told.json"))
"""
END = """
numpy.savez("made.npz", **_made)"""

ROUTE = """
import io
def _expert(number, rows):
    file = io.BytesIO()
    numpy.savez(file, number=numpy.asarray(number), rows=numpy.asarray(rows, dtype=float))
    with numpy.load(io.BytesIO(call_host(file.getvalue()))) as made:
        if "error" in made.files:
            raise ValueError(str(made["error"]))
        return made["out"]
_made = dict(y=numpy.asarray(
    moe(_given["x"].copy(), _given["gate"].copy(), _expert, int(_given["k"])), dtype=float))
"""

COUNT = """
_made = dict(counted=numpy.array(
    [[float(_n) for _n in count(dict(_model), _tokens)] for _model, _tokens in _told["asked"]]))
"""

LAYER = """
import torch
_made = {}
for _n in range(_told["count"]):
    _parts = [torch.tensor(_given[f"{_name}{_n}"], requires_grad=_name != "x")
              for _name in ("x", "gate", "up", "bias", "down")]
    _y, _extra = layer(*_parts)
    _made[f"y{_n}"] = torch.as_tensor(_y).detach().numpy()
    _made[f"extra{_n}"] = numpy.array(float(_extra))
"""

_TRAINED = """
_space = {"__name__": "given_net"}
exec(_told["net"], _space)
_seen, _then = (torch.tensor(_given[_name]) for _name in ("seen", "then"))
torch.manual_seed(_told["seed"])
_net = _space["Net"](_told["letters"], _told["experts"], _told["hidden"])
with torch.no_grad():
    _net.gate.zero_()
_shares = []
def _watch(_n, _one):
    with torch.no_grad():
        _x = _one.before(_one.look(_one.letter(_seen[::31]).flatten(1)))
        _found = (_x @ _one.gate.T).argmax(1)
    _shares.append(torch.bincount(_found, minlength=_told["experts"]).numpy() / len(_found))
_seconds = _space["train"](
    _net, _middle, _seen, _then, _told["steps"], _told["seed"], watch=(20, _watch))
_made = {_name: _part.detach().numpy() for _name, _part in _net.named_parameters()}
_made |= dict(shares_=numpy.array(_shares), seconds_=numpy.array(_seconds))
"""

LEARN = (
    """
import torch
def _middle(_net, _x, _some):
    return layer(_x, _net.gate, _net.up, _net.bias, _net.down)
"""
    + _TRAINED
)

SORT = (
    """
import torch
_choose = router(_told["texts"], _told["languages"])
def _chosen(_strings):
    _found = numpy.asarray(_choose(_strings))
    if _found.shape != (len(_strings),):
        raise ValueError(f"asked for {len(_strings)} experts, it names {_found.shape}")
    _found = _found.astype("int64")
    if _found.min() < 0 or _found.max() >= _told["experts"]:
        raise ValueError(f"there are experts 0 to {_told['experts'] - 1}")
    return _found
_experts = torch.tensor(_chosen(_told["windows"]))
def _middle(_net, _x, _some):
    _mine = _experts[_some]
    _order = _mine.argsort()
    _rows, _out, _at = _x[_order], [], 0
    for _n, _count in enumerate(torch.bincount(_mine, minlength=_told["experts"]).tolist()):
        if _count:
            _part = _rows[_at : _at + _count]
            _part = torch.relu(_part @ _net.up[_n] + _net.bias[_n]) @ _net.down[_n]
            _out.append(_part)
        _at += _count
    return torch.empty_like(_x).index_copy(0, _order, torch.cat(_out)), 0.0
"""
    + _TRAINED
)

CHOOSE = """import json
print(json.dumps(_chosen({strings}).tolist()))"""
