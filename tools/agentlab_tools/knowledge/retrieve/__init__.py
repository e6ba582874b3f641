"""Retrieval: from a question to passages, with the places they stand at and words to quote.

retriever = Retriever(open_store("index"), open_embedder("minilm"), Path("index"))
for found in retriever.retrieve("how do gradients vanish?", 3):
    print(found.score, found.source.file, found.source.start, found.quote.text)
"""

from agentlab_tools.knowledge.retrieve.fuse import marginal_relevance, reciprocal_ranks
from agentlab_tools.knowledge.retrieve.quote import Span, quotable, sentences
from agentlab_tools.knowledge.retrieve.rerank import rerank
from agentlab_tools.knowledge.retrieve.retriever import Found, How, Retriever
from agentlab_tools.knowledge.retrieve.weigh import Weighing, weigh

__all__ = [
    "Found",
    "How",
    "Retriever",
    "Span",
    "Weighing",
    "marginal_relevance",
    "quotable",
    "reciprocal_ranks",
    "rerank",
    "sentences",
    "weigh",
]
