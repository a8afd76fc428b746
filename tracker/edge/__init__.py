"""What pages, API, commands and jobs share at the rim: who may pass, and how a fault is told."""
