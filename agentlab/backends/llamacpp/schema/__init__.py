"""JSON Schema in the words that the grammar library understands, and what they do not say.

rewriter       one document, its references and what it demands at once
keywords       what one keyword comes to: types, numbers, strings, items
objects        the keywords that speak of properties
closing        only what is declared, where nothing else is asked for
alternatives   `oneOf`, `if` and dependencies, said as alternatives
opposites      schemas for what does not match; whether two schemas can match one value
references     what a reference points to
text_rules     formats, and patterns in the library's spelling
reading        what all of these share
"""
