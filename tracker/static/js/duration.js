/* Says while somebody types a duration how it is understood: "1 h 30", or why it cannot be.

   <input data-duration="1440">   the most minutes that the field takes; data-duration-nothing where 0 is an answer too

   The grammar is that of tracker/domain/duration.py, in the same words; a test runs one table of cases through both.
   The server reads what is sent all the same. */

const LONGEST_MINUTES = 24 * 60;
const LONGEST_TEXT = 40;
const EXAMPLES = "Write time as 1h30, 90m, 1:30 or 1.5.";

const NUMBER = "[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+";
const HOUR = "(?:h|hr|hrs|hour|hours)";
const MINUTE = "(?:m|min|mins|minute|minutes)";
const BARE = new RegExp(`^(?:${NUMBER})$`);
const CLOCK = new RegExp(`^([0-9]*):([0-9]{2})(?: ?${HOUR})?$`);
const HOURS = new RegExp(`^(${NUMBER}) ?${HOUR}$`);
const MINUTES = new RegExp(`^(${NUMBER}) ?${MINUTE}$`);
const HOURS_AND_MINUTES = new RegExp(`^([0-9]+) ?${HOUR} ?([0-9]{1,2})(?: ?${MINUTE})?$`);

// White space and marks as Python knows them: \s would take a byte order mark for a space.
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;
const SAME_MARK = { "：": ":", "∶": ":", "．": ".", "，": ",", "٫": ".", "−": "-", "–": "-", "－": "-" };
const DIGIT = /\p{Nd}/u;

/* Read a duration in whole minutes, exactly. Throws an Error whose message is for the person who wrote it. */
export function parseMinutes(text, longest = LONGEST_MINUTES) {
  if ([...text].length > LONGEST_TEXT) throw new Error(`This is too long to be a duration. ${EXAMPLES}`);
  const written = plain(text);
  if (written.startsWith("-")) throw new Error("Time cannot be negative. To correct an entry, reverse it.");
  return wholeMinutes(minutesOf(written), written, longest);
}

/* Write minutes as people say them: "1 h 15", "45 min", "5 h". */
export function sayMinutes(minutes) {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (!hours) return `${rest} min`;
  return rest ? `${hours} h ${String(rest).padStart(2, "0")}` : `${hours} h`;
}

function plain(text) {
  const marks = [...text].map((mark) => (DIGIT.test(mark) ? digitOf(mark) : (SAME_MARK[mark] ?? mark)));
  return marks
    .join("")
    .toLowerCase()
    .split(SPACE)
    .filter(Boolean)
    .join(" ");
}

/* Digits of every script stand in runs of ten from their zero: how far a digit is into its runs gives its value. */
function digitOf(mark) {
  let code = mark.codePointAt(0);
  let steps = 0;
  while (DIGIT.test(String.fromCodePoint(code - 1))) {
    code -= 1;
    steps += 1;
  }
  return String(steps % 10);
}

/* A share of minutes, {over, under}, exact at any length. */
function minutesOf(written) {
  let match;
  if (BARE.test(written)) {
    const number = fraction(written);
    if (number.over > 24n * number.under) throw new Error(`${written}: write ${written}m or ${written}h`);
    return hours(number);
  }
  if ((match = HOURS.exec(written))) return hours(fraction(match[1]));
  if ((match = MINUTES.exec(written))) return fraction(match[1]);
  if ((match = CLOCK.exec(written) ?? HOURS_AND_MINUTES.exec(written))) {
    return hoursAndMinutes(BigInt(match[1] || 0), BigInt(match[2]));
  }
  throw new Error(written ? EXAMPLES : `Write how long it took. ${EXAMPLES}`);
}

function hoursAndMinutes(whole, minutes) {
  const together = whole * 60n + minutes;
  if (minutes >= 60n) throw new Error(`Minutes beside hours go up to 59. Did you mean ${together}m?`);
  return { over: together, under: 1n };
}

function fraction(written) {
  const [whole, share = ""] = written.replace(",", ".").split(".");
  return { over: BigInt(whole + share), under: 10n ** BigInt(share.length) };
}

function hours(number) {
  return { over: number.over * 60n, under: number.under };
}

function wholeMinutes({ over, under }, written, longest) {
  if (over <= 0n) throw new Error("Write at least one minute. To correct an entry, reverse it.");
  if (over > BigInt(longest) * under) {
    const atMost = "One entry holds at most 24 hours. Split the work by day.";
    throw new Error(longest === LONGEST_MINUTES ? atMost : `Write at most ${sayMinutes(longest)}.`);
  }
  if (over % under !== 0n) {
    const nearest = (2n * over + under) / (2n * under) || 1n;
    throw new Error(`${written} is not a whole number of minutes. The nearest is ${nearest}m.`);
  }
  return Number(over / under);
}

/* What a text means, {minutes, said}, or {fault}; nothing at all is {}. */
export function understand(text, input) {
  const longest = Number(input.dataset.duration) || LONGEST_MINUTES;
  if (!text.trim()) return {};
  try {
    const minutes = parseMinutes(text, longest);
    return { minutes, said: sayMinutes(minutes) };
  } catch (error) {
    if ("durationNothing" in input.dataset && /^0[hm]?$/.test(text.trim())) return { minutes: 0, said: sayMinutes(0) };
    return { fault: error.message };
  }
}

function echo(input) {
  const shown = document.createElement("p");
  shown.className = "field__echo";
  shown.setAttribute("role", "status");
  const head = document.createElement("div");
  head.className = "field__head";
  const label = input.labels[0];
  label.before(head);
  head.append(label, shown);
  const say = () => {
    const { said, fault } = understand(input.value, input);
    shown.textContent = said ? `= ${said}` : (fault ?? "");
    shown.classList.toggle("field__echo--fault", Boolean(fault));
  };
  input.addEventListener("input", say);
  if (input.value) say();
}

for (const input of document.querySelectorAll(".field [data-duration]")) echo(input);
