"""What the page ought to show, worked out in Python from the same checkpoints."""

from typing import Any

import numpy as np
import torch

from explorer.render import to_pixels
from explorer.studio.codes import code_of, journey_codes
from explorer.studio.describe import attributes
from explorer.studio.session import Entry, Seed, Session, Spot
from explorer.studio.studio import Studio


class Truth:
    """A model, its atlas and its judge, without any page."""

    def __init__(self, name: str):
        studio = Studio()
        self.name = name
        self.bundled = studio.cards
        self.opened, self.judge = studio.open(name), studio.judge(name)
        self.model, self.atlas = self.opened.model, self.opened.atlas
        self.data = self.model.card.data["name"]

    def picture(self, session: Session | dict[str, Any]) -> np.ndarray:
        """The pixels `(H, W, C)` that a session shows."""
        session = session if isinstance(session, Session) else Session.from_json(session)
        return self.drawn(code_of(self.opened, session))[0]

    def at(self, origin: Any, *axes: tuple[int, float]) -> np.ndarray:
        """The picture of an origin, with axes set by hand."""
        return self.picture(Session(self.name, Spot(origin, axes)))

    def seed(self, seed: int, truncation: float = 1.0) -> np.ndarray:
        """The picture of a draw."""
        return self.at(Seed(seed, truncation))

    def row(self, row: int) -> np.ndarray:
        """The picture of an atlas code."""
        return self.at(Entry(row))

    def film(self, session: dict[str, Any], count: int) -> np.ndarray:
        """The pictures `(count, H, W, C)` of a session's path."""
        return self.drawn(journey_codes(self.opened, Session.from_json(session), torch.linspace(0, 1, count)))

    def seen(self, pixels: np.ndarray) -> dict[str, str]:
        """What the judge sees in a picture."""
        return attributes(self.judge, pixels[None], self.data)[0]

    def agreement(self, pixels: np.ndarray, row: int) -> int:
        """In how many attributes the judge sees in a picture what the atlas says of a row."""
        seen = self.seen(pixels)
        return sum(seen.get(name) == value for name, value in self.atlas.described(row).items())

    def telling_axis(self) -> tuple[int, float, str]:
        """An axis, a value of it, and the attribute that changes clearly when the first draw's axis is set to that value."""
        before = self.seen(self.seed(0))
        for axis in sorted(self.atlas.axes, key=lambda axis: -axis["effect"]):
            low, high = axis["mean_quantiles"][0], axis["mean_quantiles"][-1]
            for value in (low, high):
                near = [self.seen(self.at(Seed(0), (axis["axis"], value * share))) for share in (0.9, 1.0, 1.05)]
                for name, old in before.items():
                    if old != near[0].get(name) is not None and len({seen.get(name) for seen in near}) == 1:
                        return axis["axis"], value, name
        raise AssertionError(f"No axis of '{self.name}' changes what the judge sees in seed 0.")

    @torch.inference_mode()
    def drawn(self, code) -> np.ndarray:
        """The pixels `(B, H, W, C)` of codes."""
        return to_pixels(self.model.generator.decode(code))
