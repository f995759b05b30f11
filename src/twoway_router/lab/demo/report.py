"""Draws the demo's report for a plain terminal of 100 columns or more. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from twoway_router.lab.demo.checks import Result

_GAP = "  "
_HEAD = ("#", "from", "text", "who won: tenant › keyword", "why: rule", "took")
_NUMBER, _FROM, _RULE, _TOOK = 2, 5, 14, 7


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoReport:
    """All results in the order of the messages, and what was wrong with the whole."""

    results: Sequence[Result]
    unmet: Sequence[str] = ()

    @property
    def is_met(self) -> bool:
        return not self.unmet and not any(result.unmet for result in self.results)


def render(report: DemoReport, *, width: int = 110) -> str:
    """The table, two lines a message: who won and why, then what went out. Below it what was not met."""
    left = width - _NUMBER - _FROM - _RULE - _TOOK - 5 * len(_GAP)
    text = left * 9 // 20
    widths = (_NUMBER, _FROM, text, left - text, _RULE, _TOOK)
    lines = [_line(_HEAD, widths), _line(["-" * size for size in widths], widths)]
    for number, result in enumerate(report.results, 1):
        lines.append(_line(_decision(number, result), widths))
        indented = _GAP.join([" " * (_NUMBER + len(_GAP) + _FROM), _fit(result.message.why, text)])
        webhooks = ["→ webhook" + ("" if webhook.is_signed else " NOT SIGNED") for webhook in result.effects.webhooks]
        effects = " ".join([*webhooks, *(f"→ SMS: {reply}" for reply in result.effects.replies)]) or "→ nothing"
        lines.append(_fit(f"{indented}{_GAP}{effects}", width))
    return "\n".join([*(line.rstrip() for line in lines), "", *_summary(report)])


def _decision(number: int, result: Result) -> Sequence[str]:
    effects = result.effects
    took = "–" if effects.milliseconds is None else f"{effects.milliseconds:.0f} ms"
    return (
        str(number),
        result.message.handset,
        result.message.text,
        " › ".join(filter(None, (effects.tenant, effects.keyword))) or "nobody: the number itself",
        effects.rule,
        "NOT MET" if result.unmet else took,
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(_fit(cell, size) for cell, size in zip(cells, widths, strict=True))


def _fit(cell: str, size: int) -> str:
    return cell.ljust(size) if len(cell) <= size else cell[: size - 1] + "…"


def _summary(report: DemoReport) -> Sequence[str]:
    unmet = [
        f"  message {number} ({result.message.why}): {'; '.join(result.unmet)}"
        for number, result in enumerate(report.results, 1)
        if result.unmet
    ]
    unmet += [f"  {sentence}" for sentence in report.unmet]
    if not unmet:
        return [f"All {len(report.results)} messages had their expected effect."]
    return ["NOT met:", *unmet]
