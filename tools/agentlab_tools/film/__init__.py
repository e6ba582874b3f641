"""Short films of handwritten digits that move: their truth, a net that draws them, and measures."""
