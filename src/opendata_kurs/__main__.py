"""`python -m opendata_kurs` is the `kurs` command."""

import sys

from opendata_kurs.cli import main

if __name__ == "__main__":
    sys.exit(main())
