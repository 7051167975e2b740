"""`python -m tckr_bench`, as `tckr-bench`."""

from tckr_bench.cli import main

if __name__ == "__main__":
    main()
