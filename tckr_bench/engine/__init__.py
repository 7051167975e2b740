"""The engine: matrix file -> cells -> shared stage graph -> executor -> store -> results."""
