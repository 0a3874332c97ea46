"""The committed copy of the OpenAPI document; `make openapi` writes docs/openapi.json anew."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from servers import Instance

GOLDEN = Path(__file__).parent.parent / "docs" / "openapi.json"


def read(url: str) -> dict[str, Any]:
    """The document that a running instance serves."""
    document: dict[str, Any] = httpx.get(f"{url}/schema/openapi.json", timeout=30).raise_for_status().json()
    return document


def written(document: dict[str, Any]) -> str:
    """As it stands in the file. The version is left out: a release changes no route."""
    kept = {**document, "info": {**document["info"], "version": "0"}}
    return json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> int:
    """Asks a server of its own, with everything embedded; writes the copy, or says whether it is up to date."""
    with tempfile.TemporaryDirectory(prefix="nura-api-", ignore_cleanup_errors=True) as path:
        instance = Instance(Path(path), {}).start()
        try:
            text = written(read(instance.url))
        finally:
            instance.stop()
    if "--write" in sys.argv:
        GOLDEN.write_text(text, "utf-8")
        return 0
    return 0 if GOLDEN.exists() and GOLDEN.read_text("utf-8") == text else 1


if __name__ == "__main__":
    sys.exit(main())
