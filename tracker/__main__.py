"""`python -m tracker` is the console command."""

from tracker.cli import main

main()
