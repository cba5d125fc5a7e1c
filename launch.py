"""Latent Explorer. `python launch.py` sets itself up and opens the app; `python launch.py test` runs the tests.

This file must parse on every Python there is, so that an old one is told in one sentence what is needed. What a start
consists of is in explorer/launcher/, which only Python 3.11 and newer get to read.
"""

import sys

NEEDED = (3, 11)


def too_old(version):
    """The sentence for a Python that is too old; None for one that will do."""
    if tuple(version[:2]) >= NEEDED:
        return None
    return "Latent Explorer needs Python {0}.{1} or newer, and this is Python {2}.{3}: start it as `python{0}.{1} launch.py`.".format(
        NEEDED[0], NEEDED[1], version[0], version[1]
    )


def main(arguments):
    """Starts what `arguments` ask for and returns the exit code."""
    sentence = too_old(sys.version_info)
    if sentence:
        sys.stderr.write(sentence + "\n")
        return 2
    from explorer.launcher.start import start

    return start(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
