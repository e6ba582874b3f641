"""A model and an index lent to code in a sandbox, with every request written down on the host.

    async with Sandbox.open(packages=("agentlab", "agentlab_tools"), …) as sandbox:
        async with lending(sandbox, models=("local:smollm2",), search=search) as lender:
            await lender.run("import lent; …")
            lender.asked        # what the models read and answered, whatever the code says of it

Inside, `lent.model(name)` is an AgentLab backend and `lent.index` is searched like a `Retriever`.
The code asks by a file and waits for another, so it has neither the model nor the count.
"""

from agentlab_tools.lent.lender import Asked, Lender, lending

__all__ = ["Asked", "Lender", "lending"]
