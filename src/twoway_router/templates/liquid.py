"""Liquid cut down to what a reply needs, safe for text from tenants. Checked when saved, rendered by ``actions``.

Tags: ``if unless case comment``. Filters: ``templates.filters.FILTERS``. No loops, assignments, ranges or indexes, so the
work of a template is bounded by its length; values are never read as templates.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from liquid import BoundTemplate, Environment, Mode, RenderContext
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions.path import Path
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags import case_tag, comment_tag, if_tag, unless_tag
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from twoway_router.templates.filters import FILTERS, Filter, as_text

MAX_SOURCE: Final = 10_000
"""The longest template there is (an e-mail); schemas hold replies to 1600."""

_MAX_OUTPUT_BYTES: Final = 65_536
_MAX_NESTING: Final = 20
_CACHED: Final = 4096
_UNWANTED: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_OPENING: Final = re.compile(r"\{[{%]")
_MAX_TAG: Final = 500
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


class TemplateError(ValueError):
    """What is wrong with a template, and where: ``position`` counts code points from 0."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        self.reason = reason
        self.position = position
        super().__init__(reason if position is None else f"{reason} (at character {position + 1})")


class UnknownVariable(TemplateError):
    """A template reads what nobody gives it."""


class _Environment(Environment):
    block_nesting_limit = 10
    context_depth_limit = 10
    loop_iteration_limit = 1
    local_namespace_limit = 1
    output_stream_limit = _MAX_OUTPUT_BYTES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in (
            content.Literal,
            output.Output,
            illegal.Illegal,
            if_tag.IfTag,
            unless_tag.UnlessTag,
            case_tag.CaseTag,
            comment_tag.CommentTag,
        ):
            self.add_tag(tag)
        for name, function in FILTERS.items():
            self.add_filter(name, _as_liquid_filter(function))


def _as_liquid_filter(function: Filter) -> Callable[..., object]:
    return lambda value, *arguments, **_: function(value, arguments)


_ENVIRONMENT: Final = _Environment(tolerance=Mode.STRICT)


def check_template(source: str, known: Collection[str]) -> None:
    """Raise ``TemplateError`` for a syntax error, an unknown tag or filter, or a variable that is not in ``known``.

    Every expression is tried once with text as values, so that a comparison which can never work is refused too.
    """
    template = _compile(source)
    for path in _paths(template):
        name = _dotted(path)
        if name not in known:
            raise UnknownVariable(f"unknown variable {name}", path.token.start_index)
    context = RenderContext(template, globals=_tree(dict.fromkeys(known, "text")))
    try:
        for expression, _ in _expressions(template):
            expression.evaluate(context)
    except LiquidError as error:
        raise _problem(error) from error


def variables_of(source: str) -> frozenset[str]:
    """The dotted names of all variables that a template reads."""
    return frozenset(_dotted(path) for path in _paths(_compile(source)))


def render(source: str, values: Mapping[str, object]) -> str:
    """The text. ``values`` is a tree, or has dotted names as keys; what is missing is written as nothing.

    Raises ``TemplateError`` where a comparison makes no sense or the text becomes too long.
    """
    template = _compile(source)
    try:
        text = template.render(_tree(values))
    except (LiquidError, RecursionError) as error:
        raise _problem(error) from error
    return _clean(text)


@lru_cache(maxsize=_CACHED)
def _compile(source: str) -> BoundTemplate:
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"a template may have {MAX_SOURCE} characters")
    if found := _SURROGATE.search(source):
        raise TemplateError("not valid Unicode", found.start())
    _check_tags(source)
    try:
        template = _ENVIRONMENT.from_string(source)
        expressions = list(_expressions(template))
    except (LiquidError, RecursionError, ValueError) as error:
        raise _problem(error) from error
    for expression, depth in expressions:
        if isinstance(expression, RangeLiteral):
            raise TemplateError("ranges are not allowed", expression.token.start_index)
        if depth > _MAX_NESTING:
            raise TemplateError("an expression is nested too deep", expression.token.start_index)
    return template


def _check_tags(source: str) -> None:
    """Every tag is closed, short, and holds no other: the lexer's patterns take quadratic time on anything else."""
    end = 0
    while opening := _OPENING.search(source, end):
        start = opening.start()
        end = source.find("}}" if opening.group() == "{{" else "%}", start + 2) + 2
        if end == 1:
            raise TemplateError("a tag is not closed", start)
        if end - start > _MAX_TAG:
            raise TemplateError(f"a tag may have {_MAX_TAG} characters", start)
        if inner := _OPENING.search(source, start + 1, end - 2):
            raise TemplateError("a tag begins inside another", inner.start())


def _expressions(template: BoundTemplate) -> Iterator[tuple[Expression, int]]:
    """Every expression of a template with its depth, the outermost first."""
    context = RenderContext(template)
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(context))
        waiting = [(expression, 1) for expression in node.expressions()]
        while waiting:
            expression, depth = waiting.pop()
            yield expression, depth
            waiting.extend((child, depth + 1) for child in expression.children())


def _paths(template: BoundTemplate) -> list[Path]:
    """Variables in the order of the text."""
    paths = [expression for expression, _ in _expressions(template) if isinstance(expression, Path)]
    return sorted(paths, key=lambda path: path.token.start_index)


def _dotted(path: Path) -> str:
    if all(isinstance(segment, str) for segment in path.path):
        return ".".join(str(segment) for segment in path.path)
    return str(path)


def _tree(values: Mapping[str, object]) -> dict[str, object]:
    """Plain values only, dotted keys opened: nothing with attributes or methods reaches a template."""
    tree: dict[str, object] = {}
    for key, value in values.items():
        head, _, rest = key.partition(".")
        known = tree.get(head)
        if rest:
            branch = _tree({rest: value})
            tree[head] = known | branch if isinstance(known, dict) else branch
        else:
            plain = _plain(value)
            tree[head] = known | plain if isinstance(known, dict) and isinstance(plain, dict) else plain
    return tree


def _plain(value: object) -> object:
    match value:
        case Mapping():
            return _tree({str(key): each for key, each in value.items()})
        case str():
            return _SURROGATE.sub("\ufffd", value)
        case None | bool() | int() | float() | Decimal():
            return value
        case date():
            return as_text(value)
        case list() | tuple():
            return [_plain(each) for each in value]
    return str(value)


def _clean(text: str) -> str:
    """NFC, line ends as LF, no control characters: what a handset can show."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return unicodedata.normalize("NFC", _UNWANTED.sub("", unified))


def _problem(error: Exception) -> TemplateError:
    if isinstance(error, RecursionError):
        return TemplateError("an expression is nested too deep")
    if not isinstance(error, LiquidError):
        return TemplateError("a number is too large")
    position = error.token.start_index if error.token is not None else -1
    return TemplateError(str(error.message or "syntax error"), position if position >= 0 else None)
