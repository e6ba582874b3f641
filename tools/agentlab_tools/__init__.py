"""The tools an AgentLab agent can be given. Each module is one tool, or one family of tools."""
