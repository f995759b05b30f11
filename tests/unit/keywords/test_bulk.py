"""What a single claim, change or release is refused for is known where many are made at once."""

import ast
from pathlib import Path

import twoway_router.keywords
from twoway_router.keywords import bulk

FOLDER = Path(twoway_router.keywords.__file__).parent
BY_OTHERS = {
    "KeywordNotFound": "raised for a step's keyword, and named in the module",
    "NumberNotFound": "by service.usable_number",
    "KeywordHeld": "by administration.check_held",
    "KeywordWaits": "by states.check_step",
    "StateNotAllowed": "by states.check_step, or by what is not a step: reject, end of a rest, transfer",
}


def raised_in(name: str) -> set[str]:
    """The errors of our own that a module raises by name."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text("utf-8"))
    named = [
        node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
    ]
    return {each.id for each in named if isinstance(each, ast.Name) and each.id[0].isupper()}


def test_every_refusal_of_one_change_is_one_of_many() -> None:
    single = raised_in("service") | raised_in("states") | {"KeywordHeld"}
    many = set(vars(bulk)) | BY_OTHERS.keys()

    assert single - many == set()
