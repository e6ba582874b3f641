"""Training: recipes a learner can read, jobs that outlive the terminal, and what comes of them."""
