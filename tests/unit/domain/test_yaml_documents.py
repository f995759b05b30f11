"""YAML with a mistake is refused in one way, whatever PyYAML makes of it."""

import pytest

from twoway_router.domain.yaml_documents import YamlError, load_yaml


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "\x00",
        "\ud800",
        "a: 1\n---\nb: 2",
        "? [a]\n: c",
        "!!python/object:os.system {}",
        "!!timestamp x",
        "!!binary x",
        "!!bool x",
        "a: !!int x",
        "a: !!float x",
        "a: 2020-99-99",
        "a: 2020-01-01T00:00:00+99:99",
        "a: 0x_",
        "a: " + "9" * 5000,
        "[" * 2000,
        "- " * 1500 + "x",
    ],
    ids=range(17),
)
def test_a_mistake_is_refused(text: str) -> None:
    with pytest.raises(YamlError, match="no YAML"):
        load_yaml(text)


def test_a_mistake_is_told_with_its_line() -> None:
    with pytest.raises(YamlError) as refused:
        load_yaml("a: 1\nb: 2\nc: ]")

    assert refused.value.line == 3


def test_a_text_of_nothing_is_nothing() -> None:
    assert load_yaml("# only a comment").value is None
