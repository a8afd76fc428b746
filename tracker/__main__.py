"""`python -m tracker` is the console command."""

from tracker.cli.main import main

main()
