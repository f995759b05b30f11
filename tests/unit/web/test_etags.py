"""ETags: which If-Match lets an update pass."""

import pytest

from twoway_router.domain.errors import PreconditionFailed
from twoway_router.web.etags import Expected, content_tag, etag_of


@pytest.mark.parametrize("header", [None, "*", '"3"', 'W/"3"', '"1", "3"'])
def test_the_current_tag_passes(header: str | None) -> None:
    Expected(header).check(3)


@pytest.mark.parametrize("header", ['"2"', "3", "", '"33"', '"1", "2"'])
def test_any_other_tag_is_refused(header: str) -> None:
    with pytest.raises(PreconditionFailed):
        Expected(header).check(3)


def test_a_digest_changes_with_every_part() -> None:
    tags = {etag_of(content_tag(*parts)) for parts in (("a", "b"), ("ab", ""), ("a", None), ("a", "None"))}

    assert len(tags) == 4
