"""Rules: pure functions of plain values. No framework, no session, no clock."""
