// Counts up the time that a running timer shows: [data-timer] with the seconds it had run when the page was made and those
// after which it is called long; [data-timer-clock] is the text, [data-timer-words] what is said of a long run.
// The truth is in the database: only what has passed since the page was made is added, so a wrong clock of the computer does
// no harm, and after a sleep the first tick is right again.

const shown = document.querySelector("[data-timer]");

if (shown) {
  const clock = shown.querySelector("[data-timer-clock]");
  const words = shown.querySelector("[data-timer-words]");
  const began = Number(shown.dataset.timerSeconds);
  const long = Number(shown.dataset.timerLong);
  const made = Date.now();

  const show = () => {
    const seconds = began + Math.max(0, Math.floor((Date.now() - made) / 1000));
    const minutes = Math.floor((seconds % 3600) / 60);
    clock.textContent = `${Math.floor(seconds / 3600)}:${String(minutes).padStart(2, "0")}`;
    shown.classList.toggle("timer--long", seconds > long);
    words.hidden = seconds <= long;
  };

  setInterval(show, 5000);
  document.addEventListener("visibilitychange", show);
}
