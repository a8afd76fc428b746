"""The metronome, and what it beats."""
