"""What is done to the built site: nothing in it may name another host to load from."""

from pathlib import Path
from typing import Any

__all__ = ["CDN", "on_post_build"]

CDN = "https://unpkg.com/"
"""Where the theme's script would look for libraries this site does not use."""


def on_post_build(config: dict[str, Any]) -> None:
    """Take the address of the library host out of the theme's script, and drop the source map that repeats it."""
    for script in Path(config["site_dir"]).rglob("bundle.*.js*"):
        if script.suffix == ".map":
            script.unlink()
        else:
            script.write_text(script.read_text(encoding="utf-8").replace(CDN, "./"), encoding="utf-8")
