"""`python -m user_cli` is `userctl`."""

import sys

from user_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
