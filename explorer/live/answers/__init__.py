"""What each request of the live channel means, one module a subject. `HANDLERS` is the whole table."""

from explorer.live.answers import (
    directions,
    files,
    flows,
    history,
    jobs,
    lattices,
    maps,
    models,
    own,
    paths,
    photos,
    pictures,
    piles,
    recipes,
    sessions,
)
from explorer.live.desk import Handler

__all__ = ["HANDLERS"]

HANDLERS: dict[str, Handler] = {
    **sessions.HANDLERS,
    **pictures.HANDLERS,
    **paths.HANDLERS,
    **lattices.HANDLERS,
    **directions.HANDLERS,
    **flows.HANDLERS,
    **maps.HANDLERS,
    **jobs.HANDLERS,
    **files.HANDLERS,
    **history.HANDLERS,
    **models.HANDLERS,
    **own.HANDLERS,
    **photos.HANDLERS,
    **piles.HANDLERS,
    **recipes.HANDLERS,
}
