"""Differentially private training, whatever is trained: clipped gradients, sampling, noise, and what they prove."""
