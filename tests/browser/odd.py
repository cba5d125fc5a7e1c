"""Serves the networks of `tests/oddities.py` on a port, as `explorer serve` serves any model: `python -m tests.browser.odd PORT`."""

import sys
import threading

from explorer.app import app
from explorer.studio.studio import Studio
from tests.oddities import ODD

if __name__ == "__main__":
    studio = Studio(ODD, first="wide", trust=True)
    studio.open("wide")
    app.launch(studio, port=int(sys.argv[1]))
    threading.Event().wait()
