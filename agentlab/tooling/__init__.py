"""Tools: typed functions that a model may call.

`tools` has the decorator and what it makes, `parameters` turns a signature into a schema, `threads`
and `capture` run plain functions beside the loop and keep what they print.
"""

from agentlab.tooling.tools import RunInfo, Tool, ToolContext, as_text, check_tool_name, tool

__all__ = ["RunInfo", "Tool", "ToolContext", "as_text", "check_tool_name", "tool"]
