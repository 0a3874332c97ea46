"""The committed copies of what the frames say of themselves; `make protocol` writes them anew."""

import json
import sys
from pathlib import Path

from nura_rt.protocol import asyncapi, schema, typescript

DOCS = Path(__file__).parent.parent / "docs"


def drawn() -> dict[Path, str]:
    """Each file with the text it should have."""
    frames = schema.document()
    return {
        DOCS / "frames.schema.json": _written(frames),
        DOCS / "asyncapi.json": _written(asyncapi.asyncapi()),
        DOCS / "nura-client.d.ts": typescript.declarations(frames),
    }


def _written(document: dict[str, object]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Writes the copies, or says which are out of date."""
    late = [path for path, text in drawn().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--write" in sys.argv:
        for path in late:
            path.write_text(drawn()[path], "utf-8")
        return 0
    for path in late:
        sys.stdout.write(f"{path.name} is out of date: run `make protocol`\n")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
