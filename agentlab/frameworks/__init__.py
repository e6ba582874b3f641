"""AgentLab inside other frameworks: its models, its indexes, and their tools for its agents.

Each framework has a package here, and is an extra of its own; importing the package loads nothing
of the framework. What they share: a loop for plain code (`beside`), and how a model is opened and
told how to sample (`opened`).
"""
