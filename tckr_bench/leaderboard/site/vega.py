"""The charting library as one script to put into a page; it draws without evaluating any text as code."""

from __future__ import annotations

import functools

SNIPPET = "window.vegaEmbed = vegaEmbed;"
LICENCE = "Vega, Vega-Lite and Vega-Embed: University of Washington Interactive Data Lab and contributors, BSD-3-Clause"


@functools.cache
def vega_bundle() -> str:
    """Return Vega-Embed with Vega, Vega-Lite and Vega's interpreter of expressions, as one script for a module."""
    import vl_convert

    script: str = vl_convert.javascript_bundle(SNIPPET)
    return f"/* {LICENCE} */\n" + script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
