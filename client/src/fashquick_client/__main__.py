"""`python -m fashquick_client` is the command `fashquick`."""

from fashquick_client.cli import main

if __name__ == "__main__":
    main()
