import pytest

from vision_models import common_objects

KINDS = (
    {"ring", "necklace", "bracelet", "earrings"},
    {"shirt", "dress", "shoes", "handbag", "chair", "table"},
    {"apple", "pizza", "dog", "cat", "car", "bicycle"},
    {"house", "church", "mountain", "beach", "person", "people at a wedding"},
)


def test_the_shipped_ones_are_many_distinct_and_plain() -> None:
    labels = common_objects.shipped()
    assert len(set(labels)) == len(labels) >= 300
    assert all(label == label.strip().lower() and "#" not in label for label in labels)
    assert set().union(*KINDS) <= set(labels)


def test_no_shipped_line_is_repeated_or_holds_two_labels() -> None:
    lines = common_objects.text().splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    assert tuple(told) == common_objects.shipped()


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("ring, necklace", ("ring", "necklace")),
        ("# jewellery\n\nring\n  gold ring  # the usual one\n", ("ring", "gold ring")),
        ("ring\r\ndog, cat\nring", ("ring", "dog", "cat")),
        ("c# book", ("c# book",)),
        ("x" * 200, ("x" * 200,)),
    ],
)
def test_labels_are_lines_or_between_commas(text: str, labels: tuple[str, ...]) -> None:
    assert common_objects.parse(text) == labels


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("# nothing\n\n , ", "1 to 1000 labels, has 0"),
        ("\n".join(map(str, range(1001))), "1 to 1000 labels, has 1001"),
        ("ring\n" + "x" * 201, "label 2 must have 1 to 200 characters, has 201"),
    ],
)
def test_what_is_over_a_limit_is_refused_with_it(text: str, limit: str) -> None:
    with pytest.raises(ValueError, match=limit):
        common_objects.parse(text)
