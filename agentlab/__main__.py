"""`python -m agentlab` is `agentlab`."""

from agentlab.cli.entry import main

main()
