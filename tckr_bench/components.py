"""What a plugin author imports: components and their Protocols; defined in `tckr_bench.plugin.components`."""

from tckr_bench.plugin.components import *  # noqa: F403 - a re-export
