"""`python -m opendata_kurs` is the `kurs` command."""

import sys

from opendata_kurs.cli import main

sys.exit(main())
