"""The Berkeley Function-Calling Leaderboard, from files that a user has, by its published rules.

Each case is a question and the functions that may be called; the model replies once, and what it
calls is compared with every answer that the benchmark's authors accept. Nothing is run.

Patil et al., 2025, "The Berkeley Function Calling Leaderboard (BFCL): From Tool Use to Agentic
Evaluation of Large Language Models", ICML. Files: github.com/ShishirPatil/gorilla (Apache-2.0).
"""

from agentlab.evaluate.bfcl.asking import ANSWER, suited
from agentlab.evaluate.bfcl.files import CATEGORIES, categories_in, read_category
from agentlab.evaluate.bfcl.grading import problem

__all__ = ["ANSWER", "CATEGORIES", "categories_in", "problem", "read_category", "suited"]
