// Renders a quiz as plain semantic HTML. No library, no network. All knowledge stays in the kernel.

const INSTRUCTION = {
  einfach: "Wählen Sie eine Antwort.",
  mehrfach: "Wählen Sie alle richtigen Antworten.",
  zuordnung: "Wählen Sie zu jedem Begriff die passende Beschreibung.",
  zahl: "Geben Sie eine Zahl ein. Das Komma ist das Dezimalzeichen.",
  freitext: "Antworten Sie mit einem kurzen Text.",
};
const VERDICT = {
  right: ["✓", "Richtig."],
  partly: ["◐", "Teilweise richtig."],
  wrong: ["✗", "Noch nicht richtig."],
  open: ["○", "Bitte antworten Sie zuerst."],
  disputed: ["✓", "Ihre Antwort zählt voll."],
  manual: ["✓", "Ihr Text ist gespeichert."],
};
const DISPUTED = "Diese Frage ist umstritten. Auch Fachleute antworten verschieden. Jede Antwort zählt voll.";
const OWN_CELL = "Diese Frage beantworten Sie in der Zelle unter dem Quiz.";
const NOT_SAVED = "Noch nicht gespeichert: Python antwortet nicht. Führen Sie die Zelle mit dem Quiz noch einmal aus.";
const TYPING_PAUSE = 500; // ms after the last key until a typed answer is sent

const letter = (index) => String.fromCharCode(65 + index);
const pointsText = (points) => String(points).replace(".", ",") + (points === 1 ? " Punkt" : " Punkte");
const isEmpty = (value) => !value || (typeof value === "object" && !Object.keys(value).length);

// One message per answer, numbered per question. The kernel's state is painted only after it has seen our last
// message; an older echo would undo a second, quick click.
function createSender(model, onChange) {
  const sent = (model.odkSent ??= { ...(model.get("seen") || {}) });
  let timer;
  const waiting = () => Object.entries(sent).some(([id, number]) => ((model.get("seen") || {})[id] || 0) < number);
  const isCurrent = (id) => ((model.get("seen") || {})[id] || 0) >= (sent[id] || 0);
  function send(type, id, answer) {
    sent[id] = (sent[id] || 0) + 1;
    model.send({ type, question: id, answer: isEmpty(answer) ? null : answer, number: sent[id] });
    clearTimeout(timer);
    timer = setTimeout(onChange, PATIENCE);
  }
  return { send, isCurrent, waiting, stop: () => clearTimeout(timer) };
}

// Each builder adds the inputs of one kind and returns { read, paint, slots }:
// the answer as it stands, how to show a stored one, and the places for comments by option or pair id.
const BUILDERS = {
  einfach: (question, ids, fieldset, changed) => choices("radio", question, ids, fieldset, changed),
  mehrfach: (question, ids, fieldset, changed) => choices("checkbox", question, ids, fieldset, changed),

  zuordnung(question, ids, fieldset, changed) {
    const slots = {};
    const selects = question.links.map((left) => {
      const id = `${ids}-${left.id}`;
      const select = element("select", { id }, element("option", { value: "" }, "– bitte wählen –"),
        ...question.rechts.map((right, i) => element("option", { value: right.id }, `${letter(i)}: ${right.text}`)));
      select.addEventListener("change", changed);
      slots[left.id] = { node: element("span", { class: "odk-pair", id: `${id}-comment` }), control: select };
      fieldset.append(element("div", { class: "odk-row" }, element("label", { for: id }, left.text), select, slots[left.id].node));
      return [left.id, select];
    });
    return {
      read: () => Object.fromEntries(selects.filter(([, select]) => select.value).map(([id, select]) => [id, select.value])),
      paint: (answer) => selects.forEach(([id, select]) => (select.value = (answer || {})[id] || "")),
      slots,
    };
  },

  zahl(question, ids, fieldset, changed, instruction) {
    const input = element("input", { type: "text", inputmode: "decimal", id: `${ids}-number`, size: 14 });
    const unit = question.einheit ? ` (in ${question.einheit})` : "";
    const note = element("p", { class: "odk-note", id: `${ids}-note`, role: "status", "aria-live": "polite" });
    input.setAttribute("aria-describedby", `${instruction} ${note.id}`);
    fieldset.append(element("div", { class: "odk-row" }, element("label", { for: input.id }, `Ihre Antwort${unit}:`), input), note);
    return { ...typed(input, changed), note };
  },

  freitext(question, ids, fieldset, changed, instruction) {
    const input = element("textarea", { id: `${ids}-text`, rows: 5, maxlength: 20000, "aria-describedby": instruction });
    fieldset.append(element("div", { class: "odk-row" }, element("label", { for: input.id }, "Ihr Text:"), input));
    return typed(input, changed);
  },
};

function choices(type, question, ids, fieldset, changed) {
  const slots = {};
  const inputs = question.optionen.map((option, i) => {
    const id = `${ids}-${option.id}`;
    const input = element("input", { type, id, name: ids, value: option.id });
    input.addEventListener("change", changed);
    slots[option.id] = { node: element("p", { class: "odk-why", id: `${id}-comment`, hidden: true }), control: input };
    const label = element("label", { for: id }, element("span", { class: "odk-letter" }, `${letter(i)}: `), option.text);
    fieldset.append(element("div", { class: "odk-option" }, input, label), slots[option.id].node);
    return input;
  });
  return {
    read: () => {
      const values = inputs.filter((input) => input.checked).map((input) => input.value);
      return type === "radio" ? values[0] || "" : values;
    },
    paint: (answer) => inputs.forEach((input) => (input.checked = [].concat(answer ?? []).includes(input.value))),
    slots,
  };
}

function typed(input, changed) {
  let timer;
  const now = () => { if (timer) { clearTimeout(timer); timer = undefined; changed(); } };
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(now, TYPING_PAUSE); });
  input.addEventListener("change", now);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Control" || event.key === "Meta") now(); // a Ctrl+S may follow
    if (event.key === "Enter" && input.tagName === "INPUT") { event.preventDefault(); now(); }
  });
  return {
    read: () => input.value.trim(),
    paint: (answer) => { if (document.activeElement !== input) input.value = answer ?? ""; },
    slots: {},
    pending: () => timer !== undefined,
  };
}

function paintFeedback(live, slots, result) {
  for (const { node, control } of Object.values(slots)) {
    node.textContent = "";
    node.classList.remove("good", "bad");
    if (node.tagName === "P") node.hidden = true;
    control.removeAttribute("aria-describedby");
  }
  live.className = "odk-feedback";
  if (!result) return live.replaceChildren();
  const [sign, sentence] = VERDICT[result.level];
  const children = [element("p", { class: "odk-verdict" }, element("span", { "aria-hidden": "true" }, `${sign} `), sentence)];
  for (const line of result.lines) {
    const slot = line.on && slots[line.on];
    if (!slot) {
      if (line.text) children.push(element("p", {}, line.text));
      continue;
    }
    const mark = result.level === "disputed" ? "" : line.good ? "✓ richtig" : "✗ nicht richtig";
    slot.node.textContent = [mark, line.text].filter(Boolean).join(" – ");
    if (result.level !== "disputed") slot.node.classList.add(line.good ? "good" : "bad");
    slot.node.hidden = false;
    slot.control.setAttribute("aria-describedby", slot.node.id);
    if (line.text) children.push(element("p", { class: "odk-hidden" }, line.text)); // read aloud with the verdict
  }
  live.classList.add(result.level);
  return live.replaceChildren(...children);
}

function buildQuestion(quiz, question, index, prefix, model, sender) {
  const ids = `${prefix}-${question.id}`;
  const instruction = `${ids}-instruction`;
  const points = quiz.benotet ? ` (${pointsText(question.punkte)})` : "";
  const fieldset = element("fieldset", { "data-question": question.id, "aria-describedby": instruction },
    element("legend", {}, element("span", { class: "odk-number" }, `Frage ${index + 1} von ${quiz.fragen.length}${points}: `), question.frage));
  const ownCell = question.eigene_zelle;
  const words = (ownCell ? OWN_CELL : INSTRUCTION[question.art]) + (question.hinweis ? ` Hinweis: ${question.hinweis}` : "");
  fieldset.append(element("p", { class: "odk-instruction", id: instruction }, words));
  if (question.streitig) fieldset.append(element("p", { class: "odk-disputed" }, DISPUTED));
  if (ownCell) return { fieldset, paint: () => {} };

  const changed = () => sender.send("answer", question.id, input.read());
  const input = BUILDERS[question.art](question, ids, fieldset, changed, instruction);
  const live = element("div", { class: "odk-feedback", id: `${ids}-feedback`, role: "status", "aria-live": "polite" });
  if (quiz.modus === "ueben") {
    const button = element("button", { type: "button", class: "odk-button" }, "Antwort prüfen",
      element("span", { class: "odk-hidden" }, ` zu Frage ${index + 1}`));
    button.addEventListener("click", () => sender.send("check", question.id, input.read()));
    fieldset.append(button);
  }
  fieldset.append(live);
  let shown;
  const paint = () => {
    if (!sender.isCurrent(question.id) || input.pending?.()) return;
    input.paint((model.get("answers") || {})[question.id]);
    const note = (model.get("notes") || {})[question.id] || "";
    if (input.note && input.note.textContent !== note) input.note.textContent = note;
    const result = (model.get("feedback") || {})[question.id];
    if (result?.number === shown && (result || !live.hasChildNodes())) return; // do not announce it twice
    shown = result?.number;
    paintFeedback(live, input.slots, result);
  };
  return { fieldset, paint };
}

function render({ model, el }) {
  const quiz = model.get("content");
  const prefix = `odk-${Math.random().toString(36).slice(2, 9)}`; // lives in the browser only, never in the notebook
  const title = element("p", { class: "odk-title", id: `${prefix}-title` }, `Quiz: ${quiz.titel}`);
  const form = element("form", { class: "odk", lang: "de", novalidate: true, autocomplete: "off" }, title);
  form.addEventListener("submit", (event) => event.preventDefault());

  const status = element("p", { class: "odk-status", role: "status", "aria-live": "polite" });
  let overdue = false;
  const paintStatus = () => {
    const text = overdue ? NOT_SAVED : model.get("status");
    if (status.textContent !== text) status.textContent = text;
    status.classList.toggle("failed", overdue || model.get("failed"));
  };
  const sender = createSender(model, () => { overdue = sender.waiting(); paintStatus(); });
  const questions = quiz.fragen.map((question, i) => buildQuestion(quiz, question, i, prefix, model, sender));
  form.append(...questions.map((question) => question.fieldset), status);
  keepShortcutsAway(form);
  el.append(form);

  const paint = () => {
    if (!sender.waiting()) overdue = false;
    questions.forEach((question) => question.paint());
    paintStatus();
  };
  const events = ["answers", "feedback", "notes", "status", "failed", "seen"].map((name) => `change:${name}`);
  events.forEach((event) => model.on(event, paint));
  paint();
  return () => {
    sender.stop();
    events.forEach((event) => model.off(event, paint));
  };
}

export default { render };
