"""The command line comes in through ``python -m detector``; it goes to the same command as ``detector``."""

from detector.cli import main

if __name__ == "__main__":
    main(prog_name="detector")
