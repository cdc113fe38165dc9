from random import Random

from demo_training import vocabulary
from small_world import captions, sampling


def world() -> list[str]:
    random = Random(3)
    scenes = (sampling.scene(sampling.TRAINING, number) for number in range(300))
    return [captions.varied(scene, random).text for scene in scenes]


def test_every_word_of_the_texts_is_one_token() -> None:
    tokenizer = vocabulary.build(["a gold ring", "golden earrings, ringing"]).tokenizer
    for word in ("a", "gold", "golden", "ring", "ringing", "earrings"):
        assert len(tokenizer(word)["input_ids"]) == 3, word


def test_unknown_words_are_spelled_and_come_back() -> None:
    tokenizer = vocabulary.build(["a gold ring"]).tokenizer
    numbers = tokenizer("zebra crossing")["input_ids"]
    assert len(numbers) > 4
    assert str(tokenizer.decode(numbers, skip_special_tokens=True)).strip() == "zebra crossing"


def test_the_order_of_the_texts_does_not_matter() -> None:
    texts = world()
    one, other = vocabulary.build(texts), vocabulary.build(reversed(texts))
    assert one.merges == other.merges
    assert one.tokenizer.get_vocab() == other.tokenizer.get_vocab()


def test_no_caption_of_the_world_is_cut() -> None:
    texts = world()
    tokenizer = vocabulary.build(texts).tokenizer
    assert max(len(tokenizer(text)["input_ids"]) for text in texts) < vocabulary.MAX_TOKENS
