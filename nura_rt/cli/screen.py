"""`nura-rt screen < in.jsonl > out.jsonl`: what screening finds in each line, as the server would. Needs no stores."""

from collections.abc import Iterable
from typing import BinaryIO

import msgspec

from nura_rt.cli.errors import UsageError
from nura_rt.pipeline.pipeline import Pipeline
from nura_rt.quality import cases, talks
from nura_rt.quality.cases import CasesError


def screen(lines: Iterable[bytes], out: BinaryIO) -> int:
    """One line out for each line in, at once; an `id` is handed on. A line that cannot be read ends it, exit 2."""
    pipeline = Pipeline.load()
    encoder = msgspec.json.Encoder()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            turns = cases.spoken(line)
        except CasesError as error:
            raise UsageError(f"line {number}: {error}") from None
        found = msgspec.to_builtins(talks.screen(pipeline, turns))
        named = msgspec.json.decode(line, type=_Named)
        given = {} if named.id is msgspec.UNSET else {"id": named.id}
        out.write(encoder.encode(given | found) + b"\n")
        out.flush()
    return 0


class _Named(msgspec.Struct):
    id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
