"""Every built-in component of tckr-bench, one folder per family."""
