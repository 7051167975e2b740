"""What a plugin author imports: the hooks and `hookimpl`; defined in `tckr_bench.plugin.hookspecs`."""

from tckr_bench.plugin.hookspecs import ENTRY_POINT_GROUP, HookSpecifications, hookimpl, hookspec

__all__ = ["ENTRY_POINT_GROUP", "HookSpecifications", "hookimpl", "hookspec"]
