"""tckr-bench: may a private image dataset be replaced by a synthetic one?"""

__version__ = "0.1.0"
