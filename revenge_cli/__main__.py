"""`python -m revenge_cli` is `revenge`."""

from revenge_cli.main import main

if __name__ == "__main__":
    main()
