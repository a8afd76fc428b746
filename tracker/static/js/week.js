/* The week without its button: each cell saves itself when it is left, and the keyboard goes from the first to the last.

   <form data-week="2026-W09" data-week-person="…" data-week-cell-url="…">
     <tr data-week-row data-week-budget="…"> <input data-week-cell="0-3" data-week-day data-week-saved data-week-minutes>
   Arrows, Enter, Home and End move; Escape brings back what was saved. What is typed is kept in the browser until the server
   has it, and comes back after signing in again. Without this script the button posts the whole grid. */

import { sayMinutes, understand } from "./duration.js";

const form = document.querySelector("form[data-week]");
const cells = form ? [...form.querySelectorAll("[data-week-cell]")] : [];
const state = form?.querySelector("[data-week-state]");
const storeName = form && `week:${form.dataset.weekPerson}:${form.dataset.week}`;
const attempts = new WeakMap();
let queue = Promise.resolve();

/* What is typed and not saved, in this browser: {"row|day": text}. A browser that keeps nothing only loses this. */
const kept = {
  read() {
    try {
      return JSON.parse(localStorage.getItem(storeName)) ?? {};
    } catch {
      return {};
    }
  },
  put(input) {
    const all = this.read();
    if (isDirty(input)) all[nameOf(input)] = input.value;
    else delete all[nameOf(input)];
    try {
      if (Object.keys(all).length) localStorage.setItem(storeName, JSON.stringify(all));
      else localStorage.removeItem(storeName);
    } catch {
      // Private windows may refuse: then the page alone holds it.
    }
  },
};

const rowOf = (input) => input.closest("[data-week-row]");
const keyOf = (input) => rowOf(input).querySelector('[name^="row-"]').value;
const seenOf = (input) => form.elements[`seen-${input.dataset.weekCell}`];
const wordOf = (input) => document.getElementById(`word-${input.dataset.weekCell}`);
const nameOf = (input) => `${keyOf(input)}|${input.dataset.weekDay}`;
const isDirty = (input) => input.value.trim() !== input.dataset.weekSaved;

function say(text, tone = "") {
  state.textContent = text;
  state.dataset.weekTone = tone;
}

/* Saving ------------------------------------------------------------------------------------------------------------------ */

function mark(input, what, word) {
  input.dataset.weekSave = what;
  wordOf(input).textContent = word;
  if (what === "refused") input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/* The same text sent again, as after a lost connection, is the same request. */
function keyFor(input, split) {
  const said = `${input.value}|${seenOf(input).value}|${split}`;
  const before = attempts.get(input);
  if (before?.said === said) return before.key;
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  attempts.set(input, { said, key });
  return key;
}

function save(input, { split = false } = {}) {
  if (!isDirty(input) && !split) return queue;
  mark(input, "saving", "Saving…");
  say("Saving…");
  queue = queue.then(() => send(input, split));
  return queue;
}

async function send(input, split) {
  const typed = input.value;
  const body = new URLSearchParams({
    row: keyOf(input),
    day: input.dataset.weekDay,
    place: input.dataset.weekCell,
    typed,
    seen: seenOf(input).value,
    request_key: keyFor(input, split),
    ...(split ? { split: "1" } : {}),
  });
  let answer;
  try {
    answer = await fetch(form.dataset.weekCellUrl, {
      method: "POST",
      body,
      headers: { "X-CSRFToken": form.elements.csrf_token.value, Accept: "application/json" },
      redirect: "manual",
      keepalive: true, // also when the page is left meanwhile
    });
  } catch {
    return notSent(input, "Not saved: no connection. What you typed is kept and tried again.");
  }
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 400) return expired(input);
  const isJson = answer.headers.get("Content-Type")?.includes("json");
  if (!isJson) return notSent(input, "Not saved. What you typed is kept: load the page again and look at it.");
  take(input, typed, await answer.json(), split);
}

function notSent(input, text) {
  mark(input, "dirty", "not saved");
  say(text, "red");
}

/* The session has ended: the text stays here and in the browser, and comes back on this page. */
function expired(input) {
  mark(input, "dirty", "not saved");
  const next = encodeURIComponent(location.pathname + location.search);
  const link = Object.assign(document.createElement("a"), { href: `/sign-in?next=${next}`, textContent: "Sign in again" });
  say("", "red");
  state.replaceChildren("Not saved: your session has ended. What you typed is kept. ", link, ", and it will be here.");
}

function take(input, typed, answer, split) {
  const unchanged = input.value === typed;
  if ("seen" in answer) {
    seenOf(input).value = answer.seen;
    input.dataset.weekSaved = answer.text;
    input.dataset.weekMinutes = answer.minutes;
    sayLeft(answer.budget, answer.left);
  }
  showSaid(input, answer.html, answer.is_saved);
  if (answer.is_saved) {
    if (unchanged) input.value = answer.text;
    mark(input, "saved", answer.word || "saved");
  } else mark(input, "refused", "not saved");
  kept.put(input);
  const missed = cells.filter((each) => each.dataset.weekSave === "refused").length;
  const also = answer.is_saved && missed ? `. ${missed === 1 ? "1 cell is" : `${missed} cells are`} not saved` : "";
  say(answer.said + also, answer.is_saved && !missed ? "green" : "red");
  addUp();
  // A split makes rows of their own, and what is shut meanwhile is drawn by the server.
  if (answer.is_saved && (split || answer.is_shut)) location.reload();
}

/* What a budget has left, in every row that draws on it and beside the form below. */
function sayLeft(budget, [left, of]) {
  if (!budget) return;
  for (const place of document.querySelectorAll(`[data-week-budget="${budget}"]`)) {
    place.querySelector("[data-week-left]").textContent = left;
    place.querySelector("[data-week-of]").textContent = of;
  }
}

/* Why a cell was refused and the ways on, as the server words them, below its row. */
function showSaid(input, html, isSaved) {
  const more = rowOf(input).nextElementSibling;
  const id = `said-${input.dataset.weekCell}`;
  document.getElementById(id)?.remove();
  input.setAttribute("aria-describedby", wordOf(input).id);
  if (html.trim()) {
    const box = Object.assign(document.createElement("div"), { id, innerHTML: html });
    box.className = `message message--${isSaved ? "blue" : "amber"}`;
    box.setAttribute("role", "alert");
    more.firstElementChild.append(box);
    input.setAttribute("aria-describedby", `${wordOf(input).id} ${id}`);
  }
  more.hidden = !more.querySelector(".message");
}

function addUp() {
  const minutesOf = (holder) => [...holder].reduce((sum, each) => sum + Number(each.dataset.weekMinutes), 0);
  const write = (place, minutes) => (place.textContent = minutes ? sayMinutes(minutes) : "–");
  const days = new Array(7).fill(0);
  for (const row of form.querySelectorAll("[data-week-row]")) {
    const held = row.querySelectorAll("[data-week-minutes]");
    write(row.querySelector("[data-week-row-total]"), minutesOf(held));
    held.forEach((each, index) => (days[index] += Number(each.dataset.weekMinutes)));
  }
  form.querySelectorAll("[data-week-day-total]").forEach((place, index) => write(place, days[index]));
  form.querySelector("[data-week-total]").textContent = sayMinutes(days.reduce((sum, each) => sum + each, 0));
}

/* The keyboard ------------------------------------------------------------------------------------------------------------ */

function go(input) {
  input?.focus();
}

function inColumn(input, step) {
  const column = input.dataset.weekCell.split("-")[1];
  const same = cells.filter((each) => each.dataset.weekCell.endsWith(`-${column}`));
  return same[same.indexOf(input) + step];
}

function inRow(input) {
  return cells.filter((each) => rowOf(each) === rowOf(input));
}

function restore(input) {
  input.value = input.dataset.weekSaved;
  mark(input, "", input.value ? "draft" : "");
  showSaid(input, "", true);
  kept.put(input);
  input.select();
}

function move(event) {
  const input = event.target;
  const place = cells.indexOf(input);
  if (event.key === "Enter" && input.matches('[name^="row_"]')) {
    event.preventDefault();
    form.requestSubmit(form.querySelector('[name="step"][value="add"]'));
  }
  if (place < 0 || event.altKey || event.isComposing) return;
  const row = inRow(input);
  const atStart = input.selectionStart === 0;
  const atEnd = input.selectionEnd === input.value.length;
  const all = event.ctrlKey || event.metaKey;
  const moves = {
    ArrowUp: () => inColumn(input, -1),
    ArrowDown: () => inColumn(input, 1),
    ArrowLeft: () => (atStart ? row[row.indexOf(input) - 1] : null),
    ArrowRight: () => (atEnd ? row[row.indexOf(input) + 1] : null),
    Home: () => (all ? cells[0] : row[0]),
    End: () => (all ? cells.at(-1) : row.at(-1)),
    Enter: () => cells[place + (event.shiftKey ? -1 : 1)] ?? input,
  };
  if (event.key === "Escape") restore(input);
  else if (event.key === "Enter" || (event.key in moves && !event.shiftKey)) {
    const target = moves[event.key]();
    if (!target) return;
    if (target === input) save(input);
    go(target);
  } else return;
  event.preventDefault();
}

/* Putting it together ----------------------------------------------------------------------------------------------------- */

function typing(input) {
  kept.put(input);
  const { said, fault } = understand(input.value, input);
  mark(input, fault ? "fault" : "dirty", isDirty(input) ? (said ? `= ${said}` : (fault ?? "empties it")) : input.value ? "draft" : "");
}

function bringBack() {
  const all = kept.read();
  const back = cells.filter((input) => {
    const text = all[nameOf(input)];
    if (text === undefined) return false;
    if ((understand(text, input).minutes ?? 0) === Number(input.dataset.weekMinutes)) {
      kept.put(input); // It was saved as the page was left.
      return false;
    }
    input.value = text;
    mark(input, "dirty", "not saved");
    return true;
  });
  const left = cells.filter(isDirty).length;
  if (back.length) say(`What you had typed is back: ${left} ${left === 1 ? "cell is" : "cells are"} not saved yet. Save the week when it is right.`);
}

function saveAll() {
  cells.filter(isDirty).forEach((input) => save(input));
  return queue;
}

if (form) {
  for (const input of cells) {
    input.addEventListener("focus", () => input.select());
    input.addEventListener("input", () => typing(input));
    input.addEventListener("blur", () => save(input));
  }
  form.addEventListener("keydown", move);
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-week-split]");
    if (!button) return;
    event.preventDefault();
    save(form.querySelector(`[data-week-cell="${button.value}"]`), { split: true });
  });
  // What adds rows posts the grid too: only when every cell has been answered, so that none is sent twice.
  let isReady = false;
  form.addEventListener("submit", async (event) => {
    if (isReady) return;
    event.preventDefault();
    const button = event.submitter;
    await saveAll();
    if (!button?.name) return;
    isReady = true;
    // Not at once: while a form is still being submitted it cannot be submitted again.
    setTimeout(() => form.requestSubmit(button));
  });
  window.addEventListener("online", saveAll);
  // Never empty from now on, so that no button moves away under a pointer that has just left a cell.
  if (cells.length) say("Each cell is saved as you leave it.");
  bringBack();
}
