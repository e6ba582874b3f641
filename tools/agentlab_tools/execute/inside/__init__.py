"""What runs inside a sandbox. Standard library only, and little of it: every import costs a start.

These files are bound or copied into the sandbox and run there by path, as a package named
`inside`, so they import each other and nothing else of AgentLab.
"""
