"""Files to passages: what is in a folder, what it says, and where each passage stands."""

from agentlab_tools.knowledge.ingest.chunks import Sizes, chunks, embedded_text
from agentlab_tools.knowledge.ingest.document import Block, Document, Unreadable
from agentlab_tools.knowledge.ingest.parse import load, parse, read_document
from agentlab_tools.knowledge.ingest.walk import Found, Problem, walk

__all__ = [
    "Block",
    "Document",
    "Found",
    "Problem",
    "Sizes",
    "Unreadable",
    "chunks",
    "embedded_text",
    "load",
    "parse",
    "read_document",
    "walk",
]
