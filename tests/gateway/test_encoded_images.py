import base64

import pytest

from facetkit.errors import FacetError, InvalidInput, TooLarge, UnsupportedMedia
from gateway.encoded_images import blaming_image, decoded_image
from tests.pictures import jpeg, png

PICTURE = png(1)
TEXT = base64.b64encode(PICTURE).decode()
MAX_BYTES = 10_000


def read(value: object, max_bytes: int = MAX_BYTES) -> bytes:
    return decoded_image(value, "image", max_bytes)


@pytest.mark.parametrize(
    "value",
    [
        TEXT,
        f"data:image/png;base64,{TEXT}",
        f"DATA:image/svg+xml;charset=utf-8;BASE64,{TEXT}",
        "\r\n".join(TEXT[start : start + 76] for start in range(0, len(TEXT), 76)),
        f"  data:image/png;base64,\n{TEXT[:9]} \t{TEXT[9:]}\n",
    ],
)
def test_base64_in_its_usual_forms(value: str) -> None:
    assert read(value) == PICTURE


@pytest.mark.parametrize("value", [None, 5, True, ["a"], {}, "", " \n"])
def test_what_is_missing_or_no_string_is_told_in_the_seeds_words(value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(value)
    assert type(caught.value) is InvalidInput
    assert caught.value.message == "'image' is required and must be a string."
    assert caught.value.fields == {"image": "is required and must be a string."}


@pytest.mark.parametrize(
    "value",
    [
        "*",
        "hello!",
        TEXT[:-1],
        TEXT + "=",
        TEXT[:8] + "=" + TEXT[9:],
        base64.urlsafe_b64encode(b"\xfb\xff\xfe" * 40).decode(),
        TEXT + "\ud800",
        TEXT + "é",
        "data:text/plain;base64," + TEXT,
        "data:image/png," + TEXT,
        "https://example.org/ring.png",
    ],
)
def test_what_is_not_base64(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(value)
    assert type(caught.value) is InvalidInput
    assert caught.value.message == "'image' is not valid base64."
    assert caught.value.fields == {"image": "is not valid base64."}


def test_no_bytes_at_all() -> None:
    with pytest.raises(InvalidInput) as caught:
        read("data:image/png;base64,")
    assert caught.value.message == "'image' is empty"
    assert caught.value.fields == {"image": "is empty"}


def test_what_is_no_image() -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        read(base64.b64encode(b"hello").decode())
    assert caught.value.fields.keys() == {"image"}


@pytest.mark.parametrize("length", [98, 99, 100])
def test_the_limit_counts_decoded_bytes(length: int) -> None:
    content = PICTURE[:8] + bytes(length - 8)
    text = base64.b64encode(content).decode()
    assert read(text, max_bytes=length) == content
    with pytest.raises(TooLarge) as caught:
        read(f"data:image/png;base64,{text}", max_bytes=length - 1)
    assert caught.value.fields.keys() == {"image"}


def test_size_is_judged_before_decoding() -> None:
    with pytest.raises(TooLarge):
        read("!" * 4 * MAX_BYTES)


def test_the_field_is_named() -> None:
    with pytest.raises(TooLarge) as caught:
        decoded_image(base64.b64encode(jpeg(1)).decode(), "init_image", 2**9)
    assert caught.value.message.startswith("'init_image' is larger than")


def test_what_is_wrong_with_an_image_names_the_field() -> None:
    with pytest.raises(UnsupportedMedia) as caught, blaming_image("photo"):
        raise UnsupportedMedia("no image")
    assert caught.value.fields == {"photo": "no image"}


@pytest.mark.parametrize(
    "error", [InvalidInput("outside", fields={"points[1]": "outside"}), FacetError("other")]
)
def test_other_errors_stay_as_they_are(error: FacetError) -> None:
    with pytest.raises(FacetError) as caught, blaming_image("photo"):
        raise error
    assert caught.value is error
