"""What was done to one code, as a thing of its own, so that it can be done to any: taken from a session, applied to the codes of other pictures."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import SessionError
from explorer.studio.codes import code_of, journey_codes, spot_code
from explorer.studio.session import Session, Spot, Values
from explorer.studio.shelf import Opened

__all__ = ["KINDS", "Change", "change_of"]

KINDS = ("hand", "path", "photo", "towards")


@dataclass(frozen=True, eq=False)
class Change:
    """What is done to a flat code: all that was set by hand is set, then a vector is added, then it goes a share of the way to another code.

    Args:
        words: what it does, for people.
        spot: its axes, bumps and edits; its origin counts for nothing.
        protect: attributes that edits along directions leave alone.
        add: `(D,)`, or None.
        towards, share: `(D,)` or None, and how much of the way.
    """

    words: str
    spot: Spot = Spot()
    protect: tuple[str, ...] = ()
    add: Tensor | None = None
    towards: Tensor | None = None
    share: float = 1.0

    def __call__(self, opened: Opened, codes: Tensor) -> Tensor:
        """Changed codes `(B, D)`. Raises SessionError when the change is for another model."""
        size = codes.shape[1]
        for vector in (self.add, self.towards):
            if vector is not None and len(vector) != size:
                raise SessionError(f"The change is for codes of {len(vector)} numbers, but those of '{opened.model.card.name}' have {size}.")
        spots = (replace(self.spot, origin=Values(tuple(code.tolist()))) for code in codes)
        changed = torch.stack([spot_code(opened, spot, protect=self.protect) for spot in spots])
        if self.add is not None:
            changed = changed + self.add
        return changed if self.towards is None else torch.lerp(changed, self.towards.expand_as(changed), self.share)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        by_hand = {name: value for name, value in asdict(self.spot).items() if name != "origin"} | {"protect": self.protect}
        add, towards = (None if vector is None else vector.tolist() for vector in (self.add, self.towards))
        return {"words": self.words, "by_hand": by_hand, "add": add, "towards": towards, "share": self.share}


def change_of(opened: Opened, session: Session, kind: str, *, amount: float = 1.0, photo: Tensor | None = None) -> Change:
    """The change that a session stands for.

    Args:
        kind: "hand", all that was set by hand on the stage's code; "path", the step from the first point of its path to the last;
            "photo", what lies between the code `photo` `(D,)` and the stage; "towards", to what is on the stage.
        amount: how much of it; what was set by hand is always set in full.

    Raises:
        SessionError: the session has nothing of that kind, or the kind is unknown.
    """
    match kind:
        case "hand":
            return Change(_by_hand(opened, session.spot), session.spot, session.protect)
        case "path":
            start, end = journey_codes(opened, session, torch.tensor([0.0, 1.0])).values.flatten(1)
            return Change(f"adds {amount:g} of the step from A to B", add=amount * (end - start))
        case "photo":
            return _since(opened, session, amount, photo)
        case "towards":
            return Change(f"goes {amount:g} of the way to the code on the stage", towards=code_of(opened, session).values.flatten(), share=amount)
    raise SessionError(f"No change of kind '{kind[:40]}'. Known: {', '.join(KINDS)}.")


def _by_hand(opened: Opened, spot: Spot) -> str:
    """As in "sets z2 to 1.5, makes 2 edits along directions"."""
    names = opened.model.workspace.axes
    words = [f"sets {names[axis]} to {value:g}" for axis, value in spot.axes]
    words += [f"makes {len(spot.bumps)} changes in places"] * bool(spot.bumps) + [f"makes {len(spot.edits)} edits along directions"] * bool(
        spot.edits
    )
    if not words:
        raise SessionError("Nothing was set by hand: move a slider first, then do the same to your pictures.")
    return ", ".join(words)


def _since(opened: Opened, session: Session, amount: float, photo: Tensor | None) -> Change:
    if photo is None:
        raise SessionError("There is no code of a photo to compare the stage with: choose a picture first.")
    now = code_of(opened, session).values.flatten()
    if len(photo) != len(now):
        raise SessionError(f"'{session.model}' takes codes of {len(now)} numbers, the photo's has {len(photo)}.")
    if torch.allclose(now, photo, atol=1e-5):
        raise SessionError("The stage shows the photo's own code, so nothing was changed yet: put the photo on the stage and change it.")
    return Change(f"adds {amount:g} of what was changed since the photo", add=amount * (now - photo))
