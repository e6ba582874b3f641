"""Work on a Ray cluster, for what asks many questions and for what trains.

`joined` connects to one. `workers` are actors on its nodes: each is a `guest` that opens what home
told it of, and is either an `interviewer` for evaluations, with `interviewers` as the side at home,
or a `prover` for labs. Training on a cluster (`agentlab_tools.train.ray_runner`) connects in the
same way.
"""
