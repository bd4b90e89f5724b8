"""How a published result is named on the command line."""

import pytest

from ccft.errors import CcftError
from ccft.pipeline.diff import Selector


@pytest.mark.parametrize(
    ("text", "version", "number"), [("v2.0", "v2.0", None), ("v2.0@1", "v2.0", 1), ("v3.0@12", "v3.0", 12)]
)
def test_a_version_or_one_of_its_publications(text, version, number):
    selector = Selector.parse(text)
    assert (selector.version, selector.number) == (version, number)
    assert str(selector) == text


@pytest.mark.parametrize("text", ["v2.0@", "v2.0@0", "v2.0@-1", "v2.0@x", "v2.0@²"])
def test_what_names_no_publication_is_refused(text):
    with pytest.raises(CcftError, match="CCFT-USAGE-BAD-SELECTOR") as caught:
        Selector.parse(text)
    assert caught.value.exit_code == 2
