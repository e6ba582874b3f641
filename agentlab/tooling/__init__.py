"""Tools: typed functions that a model may call.

`tools` has the decorator and what it makes, `parameters` turns a signature into a schema, `written`
an answer into text; `threads` and `capture` run plain functions beside the loop and keep what they
print.
"""

from agentlab.tooling.tools import RunInfo, Tool, ToolContext, check_tool_name, tool
from agentlab.tooling.written import as_text

__all__ = ["RunInfo", "Tool", "ToolContext", "as_text", "check_tool_name", "tool"]
