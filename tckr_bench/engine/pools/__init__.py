"""Where stages run: the protocol of a pool, and what implements it."""
