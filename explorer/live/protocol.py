"""The live channel's messages, version 1.

A message is `u32 header length (little endian) | header, JSON in UTF-8, padded with spaces to a multiple of 4 | payload`.
Every header has a `type`. Answers repeat the `seq` and `view` of the request they belong to.

Requests (from a view):

| type       | fields                           | answer                                                              |
|------------|----------------------------------|---------------------------------------------------------------------|
| `hello`    | version, session?, last?, model? | `welcome`: session (its id), state, models, info                    |
| `open`     | model                            | `session`, then views ask for what they need of the new model       |
| `decode`   | seq, view, patch, still?         | `frame`, or `skipped` when a newer request of the same view replaced it |
| `commit`   | patch, label                     | `session`: the patched session becomes a step of the history        |
| `undo`, `redo` |                              | `session`                                                           |
| `go`       | step                             | `session`: shows that step, of whatever branch                      |
| `star`     | step, name?                      | `session`: bookmarks the step; without a name, no longer            |
| `history`  |                                  | `history`: all steps with their parents, and where they are kept    |
| `glance`   | steps (up to 16), count          | `glance`: payload one WebP, 48 px pictures of the steps, from the top |
| `earlier`  | session                          | `earlier`: how many steps another session has, and when             |
| `picture`  | patch?                           | `picture`: name, payload a PNG file with its recipe inside          |
| `python`   | patch?                           | `python`: text, lines that draw the same                            |
| `replay`   | recipe (its text)                | `session`: the recipe's state becomes a step                        |
| `visit`    | session                          | `session`: a whole state, as an address carries it, becomes a step  |
| `similar`  | patch?, count (up to 48)         | `similar`: rows, distances, labels, payload frames of the atlas pictures most like it |
| `forget`   |                                  | `forgotten`: nothing is kept of this visitor any more               |
| `atlas`    | layout, rows?                    | `atlas`: payload float32 places (N, 2), then per label uint8 (N), of at most 65,536 `rows` |
| `local`    | layout, measure, start?          | `local`: payload uint8 (N), that measure of every place in 255ths, or none while it is not known; with `start` then a `job` |
| `geodesic` | seq, patch                       | `job`: the journey on which the picture changes least, to be committed |
| `lengths`  | seq, patch                       | `lengths`: how much the picture changes on the path, the chord and the arc |
| `film`     | seq, patch, wish                 | `job`: a film, strip or contact sheet of the path (`export/reel.py`) |
| `films`    |                                  | `films`: what can be wished for                                     |
| `lattice`  | seq, patch, x, y, reach, size, first, count | `lattice`: payload frames of a grid of two axes (`studio/lattice.py`) |
| `cell`     | patch, x, y, reach, size, cell   | `cell`: the spot of one cell of it                                  |
| `square`   | patch, x, y, reach, size, scale  | `job`: the whole grid as a PNG file                                 |
| `directions` | ids                            | `directions`: those that came with the model and those of `ids` that are known, the methods, the labels |
| `find`     | wish (`methods/directions/find.py`) | `job`: finds directions and measures them; its result are their ids |
| `refine-directions` | ids                     | `job`: measures directions again, from more pictures                |
| `compose`  | patch?, edits, name              | `job`: edits as one direction                                       |
| `along`    | seq, patch, id, amounts          | `along`: payload a frame for every amount of that edit, the others as they are |
| `alike`    | ids                              | `alike`: cosines of their tangents                                  |
| `directions-file` | ids                       | `directions-file`: name, payload the file                           |
| `directions-load` | payload: such a file      | `directions-load`: ids                                              |
| `directions-labels` | name, payload: a CSV file | `directions-labels`: its columns and their classes, payload int16 (columns, rows of the atlas): classes, -1 for none |
| `flows`    | ids                              | `flows`: what can be followed, how each moves codes; `why` none can be learned |
| `flow`     | seq, patch, id, step, side       | `flow`: the walk along a direction, `side` steps back and forth; payload a frame of each |
| `arrows`   | seq, patch, id, time, x0, x1, y0, y1, columns, rows | `arrows`: payload float32 (n, 5): place, way, whether points are near |
| `landscape` | seq, patch, id, step, side, at, x, y, reach, size | `landscape`: payload float32 (size, size): heights over a slice, with the walk on it |
| `gap`      | seq, patch, id, amount, other, other_amount | `gap`: payload three frames: the start, one direction then the other, and the other way round |
| `plotting` |                                  | `plotting`: payload the library that draws charts                   |
| `fetch`    | file, part                       | `part`: payload up to 4 MB of a file that a job made                |
| `axis`     | axis                             | `axis`: payload float32 (N): that coordinate of every atlas code     |
| `thumbs`   |                                  | `thumbs`: payload the WebP sprite                                   |
| `example`  | row                              | `example`: payload the WebP thumbnail of one row, or what the model draws of it (`drawn`) |
| `path`     | seq, patch, count                | `path`: payload `count` frames along the journey                    |
| `points`   | seq, patch                       | `points`: payload a frame of every point the journey goes through   |
| `distance` | seq, patch, count                | `distance`: how far `count` codes of it are from the data, and what is usual there |
| `grid`     | seq, first, count, truncation    | `grid`: payload frames of the seeds first, first + 1, …             |
| `planes`   | patch                            | `planes`: payload uint8 (channels, height, width): the code's channels, 128 is zero |
| `describe` | seq, patch                       | `describe`: text, attributes, nearest example, strangeness          |
| `models`   |                                  | `models`: one line a model that can be opened                       |
| `about`    | model                            | `about`: the passport of a model, open or not                       |
| `cover`    | model                            | `cover`: payload a small WebP picture of it, or none           |
| `add`      | path, trust?                     | `job`: opens a model of the server's own computer (`local` only)    |
| `photo`    | name?, frame?, payload: a file   | `photo`: name, code, and as `likeness`; without payload of the photo that is kept, `name` null without one |
| `likeness` | values?, quick?                  | `likeness`: how the picture of these values compares with the photo; payload two PNG files, of `sizes` bytes |
| `refine`   | closeness, steps, seen?          | `job`: searches a better code for the photo; its result is a code, and `so_far` the best one yet |
| `forget_photo` |                              | `photo`: `name` null; nothing of the visitor's pictures is kept      |
| `pile`     | kind, name, start?, more?, payload: a picture, or a part of a zip file | `pile`: how many pictures wait for an edit, and what could not be read |
| `edit_pile` | change, amount?, photo?         | `job`: the same change to all of them (`studio/changes.py`); its result is a file to `fetch` |
| `lend`     | pile?, number                    | `lend`: pile; payload of the request: one picture of one's own (`local` only) |
| `train`    | pile or path, name, size, latent, steps? | `job`: trains a model on them (`local` only)                |
| `look`     |                                  | `look`: payload a PNG: pictures held out above what a training draws by now |
| `jobs`     |                                  | `jobs`: this visitor's long jobs                                    |
| `job`, `cancel` | id                          | `job`: how far it is; with `result` when it is done                 |

Anything that fails is answered by `error`: message (a sentence), `about` (the request's type), seq, view.
A patch replaces fields of the session (`studio/session.py`); a `decode` draws the patched session without committing it.
A `hello` may bring the `last` session of its page; it is taken up again where the session's id is no longer known, as after a restart.
A `hello` that names a model nobody knows gets a session with the first one: the page then asks to `open` what it wanted and is told.
There is no separate request for a map position: it is a `decode` whose patch puts the spot's origin at a `place`.
"""

import json
import math
import struct
from typing import Any

from explorer.core.errors import ProtocolError

__all__ = ["MOST_MESSAGE", "VERSION", "pack", "unpack"]

VERSION = 1
MOST_MESSAGE = 8 << 20  # bytes; requests are capped lower by the server
MOST_HEADER = 4 << 20
DEEPEST = 32


def pack(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """One message of a header and a payload."""
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + payload


def unpack(message: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a message. Raises ProtocolError saying what is malformed; nothing else, whatever the bytes."""
    if len(message) < 4:
        raise ProtocolError(f"A live message starts with 4 bytes of header length, got {len(message)} bytes in all.")
    (length,) = struct.unpack_from("<I", message)
    if length > MOST_HEADER or 4 + length > len(message):
        raise ProtocolError(f"A live message announces a header of {length} bytes, but {len(message) - 4} follow.")
    try:
        header = json.loads(message[4 : 4 + length].decode("utf-8"), parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"The header of a live message is not JSON in UTF-8: {str(error)[:120]}.") from error
    if not isinstance(header, dict) or not isinstance(header.get("type"), str):
        raise ProtocolError("The header of a live message must be a JSON object with a 'type'.")
    return header, message[4 + length :]


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")
