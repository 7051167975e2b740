"""The charting library as one script to put into a page; it draws without evaluating any text as code."""

from __future__ import annotations

import functools

from tckr_bench.errors import LeaderboardError

SNIPPET = "window.vegaEmbed = vegaEmbed;"
LICENCE = "Vega, Vega-Lite and Vega-Embed: University of Washington Interactive Data Lab and contributors, BSD-3-Clause"


@functools.cache
def vega_bundle() -> str:
    """Return Vega-Embed with Vega, Vega-Lite and Vega's interpreter of expressions, as one script for a module.

    Raises:
        LeaderboardError: the package that holds them is not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise LeaderboardError(
            "the leaderboard's charts need the package vl-convert-python, which is not installed: "
            "pip install 'tckr-bench[site]'"
        ) from error
    script: str = vl_convert.javascript_bundle(SNIPPET)
    return f"/* {LICENCE} */\n" + script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
