"""Does the llama.cpp that is installed here compute what it should, on this processor?

A compiled library can be whole, load, and still end the process at its first matrix product: it was
built for another processor, by a compiler with a fault, or the machine promises instructions that
it does not carry out. So it is made to work once in a process of its own (`child`), on weights
whose results were computed without it (`specimen`, `reference.json`), and what came of it is kept
(`verdict`) under the library's hash and the processor's features.
"""
