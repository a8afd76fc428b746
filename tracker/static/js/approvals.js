// Hours to approve: says how much is ticked, ticks a whole week, and shows what approving just that does to the budgets.
// Without it every box is ticked by hand or by the link "Tick all", and the budgets say what approving all of them does.

const words = (minutes) => {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (!hours) return `${rest} min`;
  return rest ? `${hours} h ${String(rest).padStart(2, "0")}` : `${hours} h`;
};

const ticks = (within) => [...within.querySelectorAll('input[name="ids"]')];

const tickAll = (label, about, boxes, changed) => {
  const input = document.createElement("input");
  const text = document.createElement("span");
  const hidden = document.createElement("span");
  const whole = document.createElement("label");
  input.type = "checkbox";
  text.textContent = label;
  hidden.className = "aside-text";
  hidden.textContent = about;
  text.append(hidden);
  whole.className = "bulk__all";
  whole.append(input, text);
  input.addEventListener("change", () => {
    for (const box of boxes) box.checked = input.checked;
    changed();
  });
  const follow = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    input.checked = ticked === boxes.length;
    input.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  return { whole, follow };
};

const watch = (form) => {
  const boxes = ticks(form);
  const count = form.querySelector("[data-approvals-count]");
  const what = document.querySelector("[data-approvals-what]");
  const budgets = [...document.querySelectorAll("[data-approvals-budgets] [data-budget]")];
  const said = document.createElement("span");
  const follows = [];

  const changed = () => {
    const ticked = boxes.filter((box) => box.checked);
    const minutes = ticked.reduce((sum, box) => sum + Number(box.dataset.minutes), 0);
    said.textContent = ticked.length ? `${ticked.length} ticked, ${words(minutes)}` : "Nothing ticked";
    const taken = new Map();
    for (const box of ticked.length ? ticked : boxes) {
      for (const draw of box.dataset.draws.split(" ").filter(Boolean)) {
        const [budget, drawn] = draw.split(":");
        taken.set(budget, (taken.get(budget) || 0) + Number(drawn));
      }
    }
    for (const row of budgets) {
      const after = Number(row.dataset.used) + (taken.get(row.dataset.budget) || 0);
      row.querySelector("[data-after]").textContent = words(after);
    }
    if (what) what.textContent = ticked.length ? "If what is ticked is approved." : "If everything shown is approved.";
    for (const follow of follows) follow();
  };

  const every = tickAll("Tick all", "", boxes, changed);
  follows.push(every.follow);
  count.replaceChildren(every.whole, said);
  for (const group of form.querySelectorAll("[data-approvals-group]")) {
    const about = ` of ${group.querySelector("h2").textContent}`;
    const week = tickAll("Tick the week", about, ticks(group), changed);
    follows.push(week.follow);
    group.querySelector(".card__note").append(week.whole);
  }
  form.addEventListener("change", changed);
  changed();
};

for (const form of document.querySelectorAll("[data-approvals]")) watch(form);
