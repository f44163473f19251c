// The question card: choose a department and a question, see the card, save it. No library, no network.

const NO_ANSWER = "Noch nicht gespeichert: Python antwortet nicht. Führen Sie die Zelle noch einmal aus.";

function render({ model, el }) {
  const prefix = `odk-karte-${Math.random().toString(36).slice(2, 9)}`; // lives in the browser only
  const { departments, other, max } = model.get("content");

  const department = element("select", { id: `${prefix}-amt`, name: "amt", "aria-describedby": `${prefix}-amt-fehler` },
    element("option", { value: "" }, "– bitte wählen –"),
    ...departments.map(({ name }) => element("option", { value: name }, name)));
  const name = element("input", { id: `${prefix}-name`, name: "name", type: "text", maxlength: 80, autocomplete: "off" });
  const nameRow = element("div", { hidden: true }, element("label", { for: name.id, class: "odk-label" }, "Wie heißt Ihr Amt?"), name);
  const departmentError = element("p", { class: "odk-error", id: `${prefix}-amt-fehler` });
  const choices = element("div");
  const own = element("textarea", { id: `${prefix}-eigene`, name: "eigene", rows: 2, maxlength: max });
  const ownRow = element("div", { hidden: true }, element("label", { for: own.id, class: "odk-label" }, "Ihre eigene Frage:"), own,
    element("p", { class: "odk-quiet" }, "Bitte ohne Namen von Personen."));
  const questionError = element("p", { class: "odk-error", id: `${prefix}-frage-fehler` });
  const questions = element("fieldset", { "aria-describedby": questionError.id }, element("legend", {}, "2. Welche Frage nehmen Sie mit?"),
    choices, ownRow, questionError);

  const shownDepartment = element("span");
  const shownQuestion = element("p", { class: "odk-question" });
  const preview = element("div", { class: "odk-preview", role: "group", "aria-label": "Vorschau der Karte" },
    element("p", { class: "odk-quiet" }, "Meine Frage an: ", shownDepartment), shownQuestion);
  const submit = element("button", { type: "submit", class: "odk-button" }, "Karte speichern");
  const download = element("a", { class: "odk-button odk-second", download: "meine_fragekarte.html", hidden: true }, "Karte herunterladen");
  const status = element("p", { class: "odk-status", role: "status", "aria-live": "polite" });
  const title = element("p", { class: "odk-title", id: `${prefix}-titel` }, "Meine Frage an mein Amt");
  const form = element("form", { novalidate: true, autocomplete: "off", "aria-labelledby": title.id },
    element("fieldset", {}, element("legend", {}, "1. In welchem Amt sind Sie?"),
      element("label", { for: department.id, class: "odk-label" }, "Amt"), department, departmentError, nameRow),
    questions, preview, element("div", { class: "odk-buttons" }, submit, download), status);
  const box = element("section", { class: "odk-card", lang: "de", "aria-labelledby": title.id }, title, form);

  let chosen = ""; // the text of a given question, or OWN
  const OWN = "\u0000own";
  let sent = model.get("seen");
  let waiting = false;
  let patience;
  let address;

  const theDepartment = () => (department.value === other ? name.value.trim() : department.value);
  const theQuestion = () => (chosen === OWN ? own.value.trim() : chosen);

  function showChoices() {
    const offered = (departments.find((d) => d.name === department.value) ?? departments[departments.length - 1]).questions;
    if (chosen !== OWN && !offered.includes(chosen)) chosen = "";
    const option = (value, text, i) => {
      const input = element("input", { type: "radio", name: `${prefix}-frage`, id: `${prefix}-f${i}`, value, checked: value === chosen });
      input.addEventListener("change", () => { chosen = value; sketch(); });
      return element("div", { class: "odk-option" }, input, element("label", { for: input.id }, text));
    };
    choices.replaceChildren(...offered.map((text, i) => option(text, text, i)), option(OWN, "eine eigene Frage", offered.length));
    suppressShortcuts(box);
  }
  function sketch() {
    nameRow.hidden = department.value !== other;
    ownRow.hidden = chosen !== OWN;
    shownDepartment.textContent = theDepartment() || "…";
    shownQuestion.textContent = theQuestion() || "…";
    const saved = model.get("state");
    download.hidden = !saved.page || saved.amt !== theDepartment() || saved.frage !== theQuestion();
  }

  department.addEventListener("change", () => { showChoices(); sketch(); });
  name.addEventListener("input", sketch);
  own.addEventListener("input", sketch);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sent += 1;
    waiting = true;
    model.send({ type: "save", amt: theDepartment(), frage: theQuestion(), number: sent });
    clearTimeout(patience);
    patience = setTimeout(() => { status.textContent = NO_ANSWER; status.className = "odk-status failed"; }, PATIENCE);
  });

  function paint() {
    const state = model.get("state");
    if (model.get("seen") < sent) return;
    clearTimeout(patience);
    const where = department.value === other ? name : department;
    for (const [field, message, input] of [["amt", departmentError, where], ["frage", questionError, own]]) {
      const text = state.errors[field] ?? "";
      message.textContent = text;
      for (const each of field === "amt" ? [department, name] : [own]) each.removeAttribute("aria-invalid");
      if (text) input.setAttribute("aria-invalid", "true");
    }
    if (status.textContent !== state.status) status.textContent = state.status;
    status.className = `odk-status ${state.failed ? "failed" : ""}`;
    if (address) URL.revokeObjectURL(address);
    address = state.page ? URL.createObjectURL(new Blob([state.page], { type: "text/html" })) : null;
    if (address) download.href = address;
    else download.removeAttribute("href");
    sketch();
    if (waiting) {
      waiting = false;
      if (state.errors.amt) where.focus();
      else if (state.errors.frage) (chosen === OWN ? own : choices.querySelector("input")).focus();
    }
  }

  // what was saved before
  const before = model.get("state");
  if (before.frage) {
    const known = departments.some((d) => d.name === before.amt);
    department.value = known ? before.amt : other;
    if (!known) name.value = before.amt;
    const offered = departments.find((d) => d.name === department.value).questions;
    chosen = offered.includes(before.frage) ? before.frage : OWN;
    if (chosen === OWN) own.value = before.frage;
  }
  showChoices();
  el.append(box);
  keepShortcutsAway(box);
  const events = ["change:state", "change:seen"];
  events.forEach((event) => model.on(event, paint));
  paint();
  return () => {
    clearTimeout(patience);
    if (address) URL.revokeObjectURL(address);
    events.forEach((event) => model.off(event, paint));
  };
}

export default { render };
