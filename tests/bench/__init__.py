"""The benchmarks' own ground: what they measure on is sound, and what goes wrong is seen. No times are taken here."""
