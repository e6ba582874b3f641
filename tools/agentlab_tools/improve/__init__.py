"""An agent made better by its own good runs, and the proof that it is.

    agentlab improve m5/tool-use:sums
    agentlab improve questions.jsonl --agent agent.toml -s numeric

The agent tries the task many times. What came out right is learnt from (rejection sampling, as in
STaR: Zelikman et al., 2022, arXiv:2203.14465), and then right before wrong where one question had
both (DPO: Rafailov et al., 2023, arXiv:2305.18290). Which of the models so tuned is best is settled
on questions set aside for that; only then is it asked, beside the model it was made from, what
neither it nor the choice has seen.
"""
