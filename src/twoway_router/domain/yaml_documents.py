"""YAML that people write, refused in one way whatever is wrong with it. Read by carriers' specs and by rules files."""

from dataclasses import dataclass

import yaml


class YamlError(ValueError):
    """What is wrong with the text, and in which line where that is known."""

    def __init__(self, detail: str, line: int | None) -> None:
        super().__init__(detail if line is None else f"line {line}: {detail}")
        self.detail = detail
        self.line = line


@dataclass(frozen=True, kw_only=True, slots=True)
class YamlDocument:
    """The one document of a text. ``tree`` knows the places of its values."""

    value: object
    tree: yaml.Node | None


def load_yaml(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> YamlDocument:
    """Raises ``YamlError``; PyYAML itself lets through what Python says of a value that its tag does not fit."""
    try:
        reader = loader(text)
        tree = reader.get_single_node()
        return YamlDocument(value=None if tree is None else reader.construct_document(tree), tree=tree)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None)
        raise YamlError(f"no YAML: {problem or error}", mark.line + 1 if mark else None) from None
    except RecursionError:
        raise YamlError("no YAML: nested too deep", None) from None
    except (ValueError, KeyError, AttributeError) as error:
        raise YamlError(f"no YAML: a value does not fit its tag ({error})", None) from None
