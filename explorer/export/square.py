"""The grid of two axes as a picture to take home."""

from dataclasses import replace

from explorer.export import sheet
from explorer.export.png import CHUNK
from explorer.studio.lattice import Lattice
from explorer.studio.outbox import Made
from explorer.studio.recipe import Recipe
from explorer.studio.session import Session
from explorer.studio.studio import Studio
from explorer.studio.walk import Report, frames

__all__ = ["make"]


def make(studio: Studio, session: Session, lattice: Lattice, *, scale: int = 2, report: Report = lambda done, of: None) -> Made:
    """A PNG with both axes named and their values written beside rows and columns. It carries the recipe of the code in the middle."""
    opened = studio.open(session.model)
    pixels = frames(studio, session.model, lattice.codes(opened, session, range(len(lattice))), report=report)
    across, down = lattice.labels
    image = sheet.table(pixels, across=across, down=down, x=lattice.x.name, y=lattice.y.name, title=opened.model.card.title, scale=scale)
    recipe, _ = Recipe.make(studio, replace(session, spot=lattice.spot, journey=replace(session.journey, t=None)))
    return Made(f"{session.model}-grid.png", "image/png", sheet.png(image, {CHUNK: recipe.text}))
