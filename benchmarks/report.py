"""Samples -> markdown. A ratio is made inside one round, where both ran within a minute of each other."""

import platform
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from statistics import median

import accounting
from contestants import ALL
from generator import Sample

Samples = Mapping[str, Sequence[Sample]]  # by contestant, one for each round
_US = 1e6


def us_per_message(sample: Sample) -> float:
    """Server CPU for each acknowledged message, with everything that follows from it."""
    return sample.server_s * _US / max(1, sample.heard.acks)


def us_per_row(sample: Sample) -> float:
    """Server CPU for each durable row: a peer keeps one for a message, we keep the reply too."""
    return sample.server_s * _US / max(1.0, sample.rows)


def us_per_frame(sample: Sample) -> float:
    """Server CPU for each frame that went to a listener."""
    return sample.server_s * _US / max(1, sample.frames)


def facts(command: str, rounds: int, seconds: float) -> str:
    """Where, when and with what the figures were made."""
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("uvicorn", "asyncpg", "redis", "msgspec")
    )
    return (
        f"`{command}`: {rounds} interleaved round{'s' * (rounds > 1)} of {seconds:g} s, medians (least-most).\n\n"
        f"{accounting.machine()}; Python {platform.python_version()}, {versions}. "
        "PostgreSQL and Valkey are the embedded ones (fsync on), shared by all; "
        "everything, the generator too, runs on these cores.\n"
    )


def message_table(samples: Samples) -> str:
    """Closed loop: what a durable message costs."""
    head = (
        "server", "acked msg/s", "rows/msg", "server us/msg", "server us/row", "PostgreSQL + Redis us/row",
        "ack p50 / p99 ms", "delivered", "us/row to ours", "to ours-alone",
    )  # fmt: skip
    lines = []
    for name, own in samples.items():
        lines.append(
            (
                ALL[name].title,
                f"{_mid(own, lambda s: s.heard.acks / s.heard.elapsed_s):,.0f}",
                f"{_mid(own, lambda s: s.rows / max(1, s.heard.acks)):.2f}",
                _range(own, us_per_message),
                _range(own, us_per_row),
                f"{_mid(own, lambda s: s.postgres_s * _US / s.rows):.0f}"
                f" + {_mid(own, lambda s: s.redis_s * _US / s.rows):.0f}",
                f"{_mid(own, lambda s: s.heard.ack_p50_ms):.1f} / {_mid(own, lambda s: s.heard.ack_p99_ms):.1f}",
                f"{_mid(own, lambda s: s.complete):.1%}",
                _ratio(samples, name, "ours", us_per_row),
                _ratio(samples, name, "ours-alone", us_per_row),
            )
        )
    return _table(head, lines)


def fanout_table(samples: Samples) -> str:
    """A fixed rate into one large room: what one delivery costs."""
    head = (
        "server", "frames/s", "of them messages/s", "server us/frame", "bytes/frame",
        "delivery p50 / p99 ms", "delivered", "to ours", "to ours-alone",
    )  # fmt: skip
    lines = []
    for name, own in samples.items():
        lines.append(
            (
                ALL[name].title,
                f"{_mid(own, lambda s: s.frames / s.heard.elapsed_s):,.0f}",
                f"{_mid(own, lambda s: s.heard.deliveries / s.heard.elapsed_s):,.0f}",
                _range(own, us_per_frame, digits=1),
                f"{_mid(own, lambda s: s.heard.bytes / max(1, s.frames + s.heard.acks)):.0f}",
                f"{_mid(own, lambda s: s.heard.delivery_p50_ms):.1f}"
                f" / {_mid(own, lambda s: s.heard.delivery_p99_ms):.1f}",
                f"{_mid(own, lambda s: s.complete):.1%}",
                _ratio(samples, name, "ours", us_per_frame),
                _ratio(samples, name, "ours-alone", us_per_frame),
            )
        )
    return _table(head, lines)


def memory_table(kib: Mapping[str, Sequence[float]]) -> str:
    """What an idle connection keeps."""
    lines = [(ALL[name].title, f"{median(own):.1f}") for name, own in kib.items()]
    return _table(("server", "KiB per idle connection (PSS)"), lines)


def warnings(samples: Samples) -> list[str]:
    """What makes a figure doubtful."""
    found = []
    for name, own in samples.items():
        for number, sample in enumerate(own, 1):
            if sample.heard.errors or sample.heard.lost:
                found.append(
                    f"{name}, round {number}: {sample.heard.errors} refusals, {sample.heard.lost} lost sockets"
                )
            if sample.complete < 0.999:
                found.append(f"{name}, round {number}: only {sample.complete:.1%} delivered in time")
    return found


def _mid(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    return median(of(sample) for sample in samples)


def _range(samples: Sequence[Sample], of: Callable[[Sample], float], digits: int = 0) -> str:
    values = [of(sample) for sample in samples]
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def _ratio(samples: Samples, name: str, to: str, of: Callable[[Sample], float]) -> str:
    """How many times as much as `to` in the same round."""
    if to not in samples or name == to:
        return "1" if name == to else ""
    pairs = zip(samples[name], samples[to], strict=False)
    return f"{median(of(own) / max(1e-9, of(others)) for own, others in pairs):.2f}x"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
