"""Pictures from noise, step by step, guided by a prompt: what is learnt, the net, and what it drew.

    captions.py   pictures with their captions, to learn from: digits in colours, emoji with names
    latents.py    a picture as few numbers, and back
    net.py        the net: numbers with noise, the moment and a prompt in, a direction out
    flow.py       noise to picture: the way that is learnt, and how it is gone
    kept.py       a net with its latents in a file and back; and the one that is packed
    judges.py     what is in a picture, by those who had no part in its making
    measuring.py  how well a net draws, by the strength of its guidance

All but `net.py`, `flow.py` and `measuring.py` loads without torch.
"""
