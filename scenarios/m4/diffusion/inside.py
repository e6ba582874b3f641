"""What is run in the sandbox around a learner's functions: what they get, and what they leave."""

BEGIN = """import json, numpy, sys, time
with numpy.load("given.npz") as _file:
    _given = {_name: _file[_name] for _name in _file.files}
_made = {}
"""
END = """
numpy.savez("made.npz", **_made)"""
BEST = """
def _tried(x, t, pictures):
    try:
        return numpy.asarray(best(x, t, pictures), dtype=float).tolist()
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:100]
_made["mixed"] = numpy.array([mixed(_p, _n, float(_t)) for _p, _n, _t in zip(
    _given["pictures"], _given["noise"], _given["t"])])
_made["direction"] = numpy.array(
    [direction(_p, _n) for _p, _n in zip(_given["pictures"], _given["noise"])])
_made["best"] = numpy.frombuffer(json.dumps([
    _tried(_given[f"x{_n}"], float(_given[f"t{_n}"]), _given[f"y{_n}"])
    for _n in range(int(_given["count"]))]).encode(), dtype="uint8")"""
WALKED = """
_x, _film = _given["noise"], [_given["noise"]]
for _t, _next in zip(_given["steps"][:-1], _given["steps"][1:]):
    _x = _x + (_next - _t) * best(_x, float(_t), _given["known"])
    _film.append(_x)
_made["film"] = numpy.array(_film)"""
PAINT = """
_made["made"] = draw(look, _given["noise"], json.loads(str(_given["told"])),
    float(_given["guidance"]), int(_given["looks"]))"""
LEARN = """
import torch
torch.manual_seed(int(_given["seed"]))
numpy.random.seed(int(_given["seed"]))
_since = time.monotonic()
_net = train(torch.tensor(_given["x"]), torch.tensor(_given["prompts"]))
_made["seconds"] = time.monotonic() - _since"""
DRAW = """
_noise, _prompts = torch.tensor(_given["noise"]), torch.tensor(_given["prompts"])
def _plain(made):
    return numpy.asarray(made.detach() if hasattr(made, "detach") else made, dtype="float32")
for _n, _guidance in enumerate(_given["guided"].tolist()):
    _made[f"made{_n}"] = _plain(draw(_net, _noise.clone(), _prompts.clone(), _guidance))
_made["again"] = _plain(draw(_net, _noise[:60].clone(), _prompts[-60:].clone(), 0.0))"""
