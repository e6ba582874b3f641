"""What is run in the sandbox on a learner's functions."""

from __future__ import annotations

from agentlab_tools.open_book import own
from agentlab_tools.open_book.trial import Framework

ANSWERS = """\
import json as _json, lent as _lent
from agentlab.frameworks.llamaindex import llm as _llm, retriever as _retriever
_model = _llm(_lent.model(), temperature=0, max_tokens=90, repeat_penalty=1.0)
_made = rag(_retriever(_lent.index, k=1), _model)
if not hasattr(_made, "query"):
    raise TypeError("rag returns a query engine, and this is " + type(_made).__name__)
print(_json.dumps({{"answers": [str(_made.query(_one)) for _one in {questions!r}]}}))
"""

KINDS = {"plain": 1, "direct": 1, "streamed": 1, "imagined": 2, "awaited": 2, "overfull": 2}

ENGINES = """\
import lent as _lent
from llama_index.core.indices.query.query_transform import HyDEQueryTransform as _HyDE
from llama_index.core.query_engine import CustomQueryEngine as _Custom
from llama_index.core.query_engine import RetrieverQueryEngine as _Engine
from llama_index.core.query_engine import TransformQueryEngine as _Transformed
from agentlab.frameworks.llamaindex import llm as _llm, retriever as _retriever
def _over(model, k, **how):
    return _Engine.from_args(_retriever(_lent.index, k=k), llm=model, **how)
def _plain(model):
    return _over(model, 1)
def _direct(model):
    class _Own(_Custom):
        def custom_query(self, query_str):
            return model.complete(query_str).text
    return _Own()
def _streamed(model):
    return _over(model, 1, streaming=True)
def _imagined(model):
    return _Transformed(_over(model, 1), _HyDE(llm=model))
def _awaited(model):
    return _over(model, 2, response_mode="accumulate", use_async=True)
def _overfull(model):
    model.context_window = 700
    return _over(model, 2)
"""
"""Engines that ask the model more often, or later, than they look."""

METER = """\
import json as _json
_model = _llm(_lent.model(), temperature=0, max_tokens=8, repeat_penalty=1.0)
_said = meter(_{kind}, _model, {question!r})
print(_json.dumps({{"calls": int(_said["calls"]), "tokens": int(_said["tokens"])}}))
"""

_SHOWN = [(one.role, one.text) for one in own.shown(named=False)]

AGENT = """\
import json as _json, lent as _lent
from llama_index.core.base.response.schema import Response as _Response
from llama_index.core.llms import ChatMessage as _Message
from llama_index.core.query_engine import CustomQueryEngine as _Custom
from agentlab.frameworks.llamaindex import llm as _llm, retriever as _retriever
_model = _llm(_lent.model(), temperature=0, max_tokens=90, repeat_penalty=1.0)
_find = _retriever(_lent.index, k=1)
_shown = [_Message(text, role=role) for role, text in {shown!r}]
class _Own(_Custom):
    def custom_query(self, query_str):
        (one,) = _find.retrieve(query_str)
        quote = " ".join(one.metadata["quote"].split())
        told = quote + "\\n\\nQuestion: " + query_str
        made = _model.chat([*_shown, _Message(told, role="user")])
        return _Response(made.message.content, source_nodes=[one])
_done = assistant(_Own(), _lent.model()).run_sync({question!r})
print(_json.dumps({{"answer": _done.text}}))
""".replace("{shown!r}", repr(_SHOWN).replace("{", "{{").replace("}", "}}"))
"""The engine's answers name no source, as LlamaIndex's own prompt demands; its nodes do."""

TRIED = Framework(
    module="llama_index",
    package="llama-index-core",
    extra="llamaindex",
    answers=ANSWERS,
    chains=ENGINES,
    kinds=KINDS,
    meter=METER,
    agent=AGENT,
    named=False,
)
