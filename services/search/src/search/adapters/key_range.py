"""A key's prefix as a range of keys, for stores that compare strings but know no prefixes."""

_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def end_of_prefix(prefix: str) -> str:
    """The least string above all that begin with `prefix`; empty where there is none.

    In the order of code points, which is that of UTF-8's bytes.
    """
    kept = prefix.rstrip(chr(_LAST))
    if not kept:
        return ""
    last = ord(kept[-1]) + 1
    if last in _SURROGATES:
        last = _SURROGATES.stop
    return kept[:-1] + chr(last)
