"""A synthetic set for calling tools, and a measure of how well a model does it.

pools.py       the words the set is made of; what trains and what is held out share none
values.py      values of many kinds: as people say them, and as a call holds them
catalog.py     tools by the hundred, drawn from lines of `data/`
requests.py    a request for a tool, and the call that answers it
dialogues.py   conversations of every sort: one call, several, none, results, failures
plain.py       plain talk, answered by the untuned model itself
generate.py    the set, from a seed
evaluate.py    right tool and every argument right, with confidence intervals

python -m agentlab_tools.train.toolcalling.evaluate local:smollm2 local:agent
"""
