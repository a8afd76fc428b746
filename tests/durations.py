"""How durations are read: one table, for the rules of the server and for the same rules in the browser."""

NO_BREAK_SPACE = "\u00a0"
NARROW_NO_BREAK_SPACE = "\u202f"

# What is written, the minutes it means, and why the case is there.
READ: list[tuple[str, int, str]] = [
    ("1", 60, "a bare number is hours"),
    ("24", 1440, "up to a whole day"),
    ("08", 480, "a leading zero changes nothing"),
    ("1.5", 90, "hours with a point"),
    ("1,5", 90, "hours with a comma"),
    ("0.1", 6, "a tenth of an hour is exact"),
    (".25", 15, "a quarter without its zero"),
    ("1:30", 90, "as on a clock"),
    ("0:15", 15, "minutes on a clock"),
    (":15", 15, "minutes on a clock without the hour"),
    ("24:00", 1440, "a whole day on a clock"),
    ("1:30 h", 90, "a clock with its unit"),
    ("90m", 90, "minutes"),
    ("147m", 147, "minutes may run over the hour"),
    ("1440 min", 1440, "a whole day in minutes"),
    ("15 min", 15, "minutes with a space"),
    ("1 minute", 1, "one minute in full"),
    ("90.0 minutes", 90, "a decimal that is whole"),
    ("1h30", 90, "hours and minutes"),
    ("1h30m", 90, "both units"),
    ("1h 30m", 90, "both units with a space"),
    ("1h 30 min", 90, "mixed units"),
    ("1 H 5", 65, "one digit of minutes, capital unit"),
    ("2h", 120, "hours"),
    ("2 hours", 120, "hours in full"),
    ("1.5 hrs", 90, "decimal hours with their unit"),
    ("  1h30\n", 90, "space around it"),
    (f"1{NO_BREAK_SPACE}h{NARROW_NO_BREAK_SPACE}30", 90, "spaces that do not break"),
    ("１：３０", 90, "full-width digits and colon"),
    ("١٫٥", 90, "Arabic digits and decimal mark"),
]

# Bare numbers that nobody would work in hours.
AMBIGUOUS = ["25", "30", "90", "24.5", "1500", "0030"]

# What is written, words of the refusal, and why the case is there.
REFUSED: list[tuple[str, str, str]] = [
    ("", "Write how long it took", "nothing"),
    (" ", "Write how long it took", "only space"),
    ("soon", "Write time as 1h30", "a word"),
    ("1:5", "Write time as 1h30", "half a minute on a clock could be 1:05 or 1:50"),
    ("1:30:00", "Write time as 1h30", "seconds"),
    ("1.5h 30", "Write time as 1h30", "a decimal and minutes"),
    ("1h30h", "Write time as 1h30", "hours twice"),
    ("30m 1h", "Write time as 1h30", "the wrong way round"),
    ("1.", "Write time as 1h30", "a point and nothing after it"),
    ("1.000,5", "Write time as 1h30", "two marks"),
    ("1e3", "Write time as 1h30", "an exponent"),
    ("0x10", "Write time as 1h30", "hexadecimal"),
    ("+1", "Write time as 1h30", "a plus sign"),
    ("1²", "Write time as 1h30", "a superscript is no digit"),
    ("½", "Write time as 1h30", "a fraction sign"),
    ("nan", "Write time as 1h30", "not a number"),
    ("1\u200b5", "Write time as 1h30", "an invisible character"),
    ("1:75", "go up to 59. Did you mean 135m", "75 minutes on a clock"),
    ("1h75", "go up to 59. Did you mean 135m", "75 minutes beside hours"),
    ("0", "at least one minute", "zero"),
    ("0:00", "at least one minute", "zero on a clock"),
    ("0m", "at least one minute", "zero minutes"),
    ("-1", "cannot be negative. To correct an entry, reverse it", "negative"),
    ("−1 h 15", "cannot be negative", "negative with a real minus"),
    ("24h01", "at most 24 hours", "a minute over a day"),
    ("1441m", "at most 24 hours", "a minute over a day in minutes"),
    ("99:00", "at most 24 hours", "days on a clock"),
    ("0.33", "0.33 is not a whole number of minutes. The nearest is 20m", "19.8 minutes"),
    ("0,33 h", "0,33 h is not a whole number of minutes. The nearest is 20m", "with comma and unit"),
    ("1.5m", "The nearest is 2m", "a minute and a half"),
    ("0.001", "The nearest is 1m", "the nearest is never nothing"),
    ("23.9999999999999999999999999999999999", "The nearest is 1440m", "no rounding at any length"),
    ("1" * 41, "too long", "too long"),
    ("1" * 1_000_000, "too long", "absurdly long"),
]
