"""Entry point of `polyspec` and of `python -m polyspec`."""


def run() -> None:
    """Run the command line and leave with its exit status."""
    from polyspec.cli.main import main

    raise SystemExit(main())


if __name__ == "__main__":
    run()
