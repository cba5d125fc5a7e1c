"""What may go wrong with a pair of captions before anything is computed: said in sentences, for people."""

from explorer.core.text import Denoiser

__all__ = ["warnings"]

NEGATIONS = ("no", "not", "without", "never", "none")


def warnings(denoiser: Denoiser, said: str, wanted: str) -> tuple[str, ...]:
    """Sentences about two captions, most important first; none where all is well."""
    before, after = denoiser.words(said), denoiser.words(wanted)
    found = [*_unread(denoiser, said, before, "description"), *_unread(denoiser, wanted, after, "edit")]
    if before and before == after:
        found.append("Both captions say the same to this model: nothing will change.")
    elif before and after:
        found += _alignment(before, after)
    strange = [word for word in dict.fromkeys(after) if word in NEGATIONS and word not in before and word not in denoiser.vocabulary]
    if strange:
        found.append(f"'{strange[0]}' is weak in most text encoders: say what there is instead, or leave the word for what should go out.")
    return tuple(found)


def _unread(denoiser: Denoiser, caption: str, words: tuple[str, ...], which: str) -> list[str]:
    if not words:
        return [f"The {which} has no word that this model reads: it counts as no caption at all."] if caption.strip() else [f"The {which} is empty."]
    unknown = [word for word in dict.fromkeys(words) if denoiser.vocabulary and word not in denoiser.vocabulary]
    found = [f"This model does not know {', '.join(repr(word) for word in unknown[:5])}."] if unknown else []
    whole = denoiser.words(" ".join(caption.split()[-1:]))
    if whole and whole[-1] != words[-1]:
        found.append(f"The {which} is longer than this model reads: it ends with '{words[-1]}'.")
    return found


def _alignment(before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    if len(before) == len(after):
        changed = sum(a != b for a, b in zip(before, after))
        if changed > max(2, len(before) // 3):
            return [f"{changed} of {len(before)} words differ: keep the order of the first caption and change only what should change."]
        return []
    place = next((i for i, (a, b) in enumerate(zip(before, after)) if a != b), min(len(before), len(after)))
    late = place >= min(len(before), len(after))
    moved = "" if late else f" From word {place + 1} on, words no longer stand opposite each other."
    return [f"The captions have {len(before)} and {len(after)} words.{moved}"]
