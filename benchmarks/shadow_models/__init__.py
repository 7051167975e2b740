"""What `shadows.py` measures: training banks of shadow models, apart and together, and attacking with them."""
