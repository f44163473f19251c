// The data inventory: a form that is the interview guide, and the list of entries. No library, no network.

const NO_ANSWER = "Noch nicht gespeichert: Python antwortet nicht. Führen Sie die Zelle noch einmal aus.";

function buildField(field, prefix) {
  const id = `${prefix}-${field.name}`;
  const help = element("p", { class: "odk-help", id: `${id}-help` }, field.question);
  const error = element("p", { class: "odk-error", id: `${id}-error`, hidden: true });
  const shared = { id, name: field.name, "aria-describedby": help.id, "aria-required": field.required ? "true" : null };
  let input;
  if (field.choices.length) {
    input = element("select", shared,
      field.name === "status" ? null : element("option", { value: "" }, `– ${field.empty} –`),
      ...field.choices.map((choice) => element("option", { value: choice.value }, choice.text)));
  } else if (field.long) {
    input = element("textarea", { ...shared, rows: 2, maxlength: 500 });
  } else {
    input = element("input", { ...shared, type: "text", maxlength: 500, autocomplete: "off" });
  }
  const label = element("label", { for: id }, field.label, field.required ? element("span", { class: "odk-need" }, " (Pflicht)") : null);
  const complain = (text) => {
    error.textContent = text || "";
    error.hidden = !text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    input.setAttribute("aria-describedby", text ? `${error.id} ${help.id}` : help.id);
  };
  return { input, complain, node: element("div", { class: "odk-field" }, label, help, input, error) };
}

function render({ model, el }) {
  const prefix = `odk-inventar-${Math.random().toString(36).slice(2, 9)}`; // lives in the browser only
  const fields = {};
  const groups = model.get("groups").map((group) =>
    element("fieldset", {}, element("legend", {}, group.title),
      ...group.fields.map((field) => (fields[field.name] = buildField(field, prefix)).node)));
  const names = Object.keys(fields);

  const formTitle = element("p", { class: "odk-subtitle", id: `${prefix}-formtitle` });
  const submit = element("button", { type: "submit", class: "odk-button" });
  const cancel = element("button", { type: "button", class: "odk-button odk-second" }, "Abbrechen");
  const form = element("form", { novalidate: true, autocomplete: "off", "aria-labelledby": formTitle.id },
    formTitle, ...groups, element("div", { class: "odk-buttons" }, submit, cancel));
  const status = element("p", { class: "odk-status", role: "status", "aria-live": "polite" });
  const undo = element("button", { type: "button", class: "odk-button odk-second" }, "Rückgängig");
  const reload = element("button", { type: "button", class: "odk-button odk-second" }, "Neu laden");
  const list = element("div", { class: "odk-list" });
  const title = element("p", { class: "odk-title", id: `${prefix}-title` }, "Mein Dateninventar");
  const box = element("section", { class: "odk-inventory", lang: "de", "aria-labelledby": title.id },
    title, list, element("div", { class: "odk-buttons" }, undo, reload), status, form);

  let editing = null; // index of the entry in the form, null for a new one
  let sent = model.get("seen");
  let wanted = null; // what happens after the kernel's answer
  let patience;

  function fill(entry) {
    names.forEach((name) => {
      fields[name].input.value = entry?.[name] ?? (name === "status" ? "erfasst" : "");
      fields[name].complain("");
    });
  }
  function show(row) {
    editing = row;
    const entry = row === null ? null : model.get("state").rows[row];
    formTitle.textContent = entry ? `Eintrag bearbeiten: ${entry.titel}` : "Neuer Eintrag";
    submit.textContent = entry ? "Änderung speichern" : "Eintrag speichern";
    cancel.textContent = entry ? "Abbrechen" : "Formular leeren";
    fill(entry);
  }
  function send(message, then) {
    sent += 1;
    wanted = { number: sent, then };
    model.send({ ...message, number: sent });
    clearTimeout(patience);
    patience = setTimeout(() => { status.textContent = NO_ANSWER; status.className = "odk-status failed"; }, PATIENCE);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const entry = Object.fromEntries(names.map((name) => [name, fields[name].input.value.trim()]));
    send({ type: "save", row: editing, entry }, (state) => {
      if (state.outcome === "ok") {
        show(null);
        fields.titel.input.focus();
      } else if (state.outcome === "invalid") {
        fields[names.find((name) => state.errors[name])].input.focus();
      }
    });
  });
  cancel.addEventListener("click", () => { show(null); fields.titel.input.focus(); });
  undo.addEventListener("click", () => send({ type: "undo" }, () => show(null)));
  reload.addEventListener("click", () => send({ type: "reload" }, () => show(null)));

  function table(rows) {
    if (!rows.length) return element("p", { class: "odk-help" }, "Hier stehen später Ihre Einträge.");
    const actions = (row, i) => {
      const hidden = element("span", { class: "odk-hidden" }, ` „${row.titel}“`);
      const edit = element("button", { type: "button", class: "odk-button odk-small" }, "Bearbeiten", hidden);
      const remove = element("button", { type: "button", class: "odk-button odk-small odk-second" }, "Löschen", hidden.cloneNode(true));
      edit.addEventListener("click", () => { show(i); fields.titel.input.focus(); });
      remove.addEventListener("click", () => send({ type: "delete", row: i }, (state) => {
        if (state.outcome === "ok") { show(null); undo.focus(); }
      }));
      return element("td", {}, edit, " ", remove);
    };
    const head = ["Titel", "Amt", "Entscheidung", "Status", "Was möchten Sie tun?"];
    return element("table", {}, element("caption", {}, "Ihre Einträge"),
      element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...rows.map((row, i) => element("tr", {}, element("th", { scope: "row" }, row.titel),
        element("td", {}, row.amt), element("td", {}, row.entscheidung_text), element("td", {}, row.status), actions(row, i)))));
  }

  let painted;
  const paint = () => {
    const state = model.get("state");
    if (model.get("seen") < sent) return;
    clearTimeout(patience);
    const rows = JSON.stringify(state.rows);
    if (rows !== painted) { list.replaceChildren(table(state.rows)); painted = rows; }
    names.forEach((name) => fields[name].complain(state.errors[name]));
    if (status.textContent !== state.status) status.textContent = state.status;
    status.className = `odk-status ${state.outcome === "ok" ? "" : "failed"}`;
    submit.disabled = state.outcome === "damaged";
    const then = wanted && model.get("seen") >= wanted.number ? wanted.then : null;
    if (then) { wanted = null; then(state); }
    suppressShortcuts(box);
  };
  el.append(box);
  show(null);
  keepShortcutsAway(box);
  const events = ["change:state", "change:seen"];
  events.forEach((event) => model.on(event, paint));
  paint();
  return () => {
    clearTimeout(patience);
    events.forEach((event) => model.off(event, paint));
  };
}

export default { render };
