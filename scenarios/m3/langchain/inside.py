"""What is run in the sandbox on a learner's functions."""

from __future__ import annotations

from agentlab_tools.open_book.trial import Framework

CHAIN = """\
import json as _json, lent as _lent
from langchain_core.runnables import Runnable as _Runnable
from agentlab.frameworks.langchain import chat_model as _chat_model, retriever as _retriever
_model = _chat_model(_lent.model(), temperature=0, max_tokens=90, repeat_penalty=1.0)
_questions = {questions!r}
_made = rag(_retriever(_lent.index, k=1), _model)
if not isinstance(_made, _Runnable):
    raise TypeError("rag returns a Runnable, and this is " + type(_made).__name__)
_answers = [_made.invoke(_questions[0]), *_made.batch(_questions[1:])]
for _one in _answers:
    if not isinstance(_one, str):
        raise TypeError("the chain returns a text, and this is " + type(_one).__name__)
print(_json.dumps({{"answers": _answers}}))
"""

KINDS = {"plain": 1, "streamed": 1, "retried": 3, "cached": 1, "threads": 2}

CHAINS = """\
from concurrent.futures import ThreadPoolExecutor as _Pool
import lent as _lent
from langchain_core.caches import InMemoryCache as _Cache
from langchain_core.output_parsers import JsonOutputParser as _Json, StrOutputParser as _Text
from langchain_core.prompts import ChatPromptTemplate as _Prompt
from langchain_core.runnables import RunnableLambda as _Lambda
from agentlab.frameworks.langchain import chat_model as _chat_model
_prompt = _Prompt.from_messages([("system", "Be brief."), ("human", "{question}")])
def _plain(model):
    return _prompt | model | _Text()
def _streamed(model):
    return _prompt | _Lambda(lambda asked: "".join(one.text for one in model.stream(asked)))
def _retried(model):
    return (_prompt | model | _Json()).with_retry(
        stop_after_attempt=3, wait_exponential_jitter=False)
def _cached(model):
    model.cache = _Cache()
    chain = _plain(model)
    return _Lambda(lambda question: [chain.invoke(question) for _ in range(3)])
def _threads(model):
    def both(asked):
        with _Pool() as pool:
            return [one.text for one in pool.map(model.invoke, [asked, "Hello!"])]
    return _prompt | _Lambda(both)
"""
"""Chains that ask the model more often, or less, than they look."""

METER = """\
import json as _json
_model = _chat_model(_lent.model(), temperature=0, max_tokens=8, repeat_penalty=1.0)
_said = meter(_{kind}, _model, {question!r})
print(_json.dumps({{"calls": int(_said["calls"]), "tokens": int(_said["tokens"])}}))
"""

AGENT = """\
import json as _json, lent as _lent, own as _own
from langchain_core.messages import AIMessage as _AI, HumanMessage as _Human
from langchain_core.messages import SystemMessage as _System
from langchain_core.runnables import RunnableLambda as _Lambda
from agentlab.frameworks.langchain import chat_model as _chat_model, retriever as _retriever
_model = _chat_model(_lent.model(), temperature=0, max_tokens=90, repeat_penalty=1.0)
_find = _retriever(_lent.index, k=1)
def _found(question):
    (one,) = _find.invoke(question)
    told = _own.asked(question, one.metadata["source"], " ".join(one.metadata["quote"].split()))
    shown = [kind(text) for pair in _own.EXAMPLES for kind, text in zip((_Human, _AI), pair)]
    return [_System(_own.INSTRUCTIONS), *shown, _Human(told)]
_chain = _Lambda(_found) | _model | _Lambda(lambda message: message.text)
_done = assistant(_chain, _lent.model()).run_sync({question!r})
print(_json.dumps({{"answer": _done.text}}))
"""

TRIED = Framework(
    module="langchain_core",
    package="langchain-core",
    extra="langchain",
    answers=CHAIN,
    chains=CHAINS,
    kinds=KINDS,
    meter=METER,
    agent=AGENT,
)
