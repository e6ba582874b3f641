"""PyTorch in a sandbox: quick to begin, on one thread, for trainings of seconds."""

QUICK_TORCH = """import sys, types, torch
torch.set_num_threads(1)
# A first optimizer imports torch's compiler, which takes longer than most of the training in labs.
_compiler = types.ModuleType("torch._dynamo")
_compiler.disable = lambda function=None, *_, **__: function
_compiler.graph_break = lambda *_, **__: None
sys.modules["torch._dynamo"] = torch._dynamo = _compiler"""
