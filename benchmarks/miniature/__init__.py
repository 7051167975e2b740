"""Helpers of ``pretrain_miniature.py``: data, tokenizer, networks and training loops."""
