"""Starter, reference solution, other right answers, and wrong ones: plans of long films."""
