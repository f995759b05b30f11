"""Draws the demo's report for a plain terminal of 100 columns or more. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from twoway_router.lab.demo.judge import Verdict

_GAP = "  "
_HEAD = ("#", "from", "text", "who won: tenant › keyword", "why: rule", "took")
_NUMBER, _FROM, _RULE, _TOOK = 2, 5, 14, 7


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoReport:
    """All verdicts in the order of the messages, and what was wrong with the whole."""

    verdicts: Sequence[Verdict]
    unmet: Sequence[str] = ()

    @property
    def is_met(self) -> bool:
        return not self.unmet and not any(verdict.unmet for verdict in self.verdicts)


def render(report: DemoReport, *, width: int = 110) -> str:
    """The table, two lines a message: who won and why, then what went out. Below it what was not met."""
    left = width - _NUMBER - _FROM - _RULE - _TOOK - 5 * len(_GAP)
    text = left * 9 // 20
    widths = (_NUMBER, _FROM, text, left - text, _RULE, _TOOK)
    lines = [_line(_HEAD, widths), _line(["-" * size for size in widths], widths)]
    for number, verdict in enumerate(report.verdicts, 1):
        lines.append(_line(_decision(number, verdict), widths))
        effect = _GAP.join([" " * (_NUMBER + len(_GAP) + _FROM), _fit(verdict.scene.why, text)])
        lines.append(_fit(f"{effect}{_GAP}{_effects(verdict)}", width))
    return "\n".join([*(line.rstrip() for line in lines), "", *_summary(report)])


def _decision(number: int, verdict: Verdict) -> Sequence[str]:
    seen = verdict.seen
    took = "–" if seen.milliseconds is None else f"{seen.milliseconds:.0f} ms"
    return (
        str(number),
        verdict.scene.handset,
        verdict.scene.text,
        " › ".join(filter(None, (seen.tenant, seen.keyword))) or "nobody: the number itself",
        seen.rule,
        "NOT MET" if verdict.unmet else took,
    )


def _effects(verdict: Verdict) -> str:
    seen = verdict.seen
    webhooks = ["→ webhook" + ("" if heard.is_signed else " NOT SIGNED") for heard in seen.heard]
    return " ".join([*webhooks, *(f"→ SMS: {reply}" for reply in seen.replies)]) or "→ nothing"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(_fit(cell, size) for cell, size in zip(cells, widths, strict=True))


def _fit(cell: str, size: int) -> str:
    return cell.ljust(size) if len(cell) <= size else cell[: size - 1] + "…"


def _summary(report: DemoReport) -> Sequence[str]:
    unmet = [
        f"  message {number} ({verdict.scene.why}): {'; '.join(verdict.unmet)}"
        for number, verdict in enumerate(report.verdicts, 1)
        if verdict.unmet
    ]
    unmet += [f"  {sentence}" for sentence in report.unmet]
    if not unmet:
        return [f"All {len(report.verdicts)} messages had their expected effect."]
    return ["NOT met:", *unmet]
