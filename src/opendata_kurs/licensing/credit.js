// A credit line that lights up part by part. No library, no network; the kernel decides what is there.

const TYPING_PAUSE = 300; // ms after the last key until the text is sent
const NO_ANSWER = "Python antwortet nicht. Führen Sie die Zelle noch einmal aus.";

function render({ model, el }) {
  const prefix = `odk-credit-${Math.random().toString(36).slice(2, 9)}`; // lives in the browser only
  const field = element("textarea", { id: `${prefix}-text`, rows: 6, maxlength: 5000, spellcheck: "false",
    "aria-describedby": `${prefix}-help` });
  const list = element("div", { class: "odk-parts" });
  const status = element("p", { class: "odk-status", role: "status", "aria-live": "polite" });
  const line = element("textarea", { id: `${prefix}-line`, class: "odk-line", rows: 4, readonly: "" });
  line.addEventListener("focus", () => line.select());
  const finished = element("div", { class: "odk-finished" },
    element("label", { for: line.id }, "Fertige Zeile zum Kopieren:"), line);
  const form = element("form", { class: "odk-credit", lang: "de", autocomplete: "off" },
    element("p", { class: "odk-title" }, "Ein Quellenvermerk entsteht"),
    element("label", { for: field.id }, "Ihr Quellenvermerk:"),
    element("p", { class: "odk-help", id: `${prefix}-help` },
      "Schreiben Sie die Angaben hinein. Trennen Sie die Quellen mit einem Semikolon oder einer neuen Zeile."),
    field, status, list, finished);
  form.addEventListener("submit", (event) => event.preventDefault());
  keepShortcutsAway(form);
  field.value = model.get("text");

  let typing;
  let patience;
  let sent = model.get("seen");
  const send = () => {
    clearTimeout(typing);
    typing = undefined;
    sent += 1;
    model.send({ type: "text", text: field.value, number: sent });
    clearTimeout(patience);
    patience = setTimeout(() => (status.textContent = NO_ANSWER), PATIENCE);
  };
  field.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(send, TYPING_PAUSE); });
  field.addEventListener("change", () => typing && send());

  const paint = () => {
    if (model.get("seen") < sent || typing) return; // an older answer would undo quick typing
    clearTimeout(patience);
    const { parts, summary, complete, line: finishedLine } = model.get("state");
    list.replaceChildren();
    let items;
    parts.forEach((part, i) => {
      if (!i || parts[i - 1].dataset !== part.dataset) {
        const title = element("p", { class: "odk-source", id: `${prefix}-source-${i}` }, part.dataset);
        items = element("ul", { "aria-labelledby": title.id });
        list.append(title, items);
      }
      const kind = part.present ? "there" : part.needed ? "missing" : "voluntary";
      items.append(element("li", { class: kind }, element("strong", {}, part.mark), ` – ${part.label}`));
    });
    if (status.textContent !== summary) status.textContent = summary; // announced only when it changes
    status.classList.toggle("complete", complete);
    line.value = finishedLine;
    finished.hidden = !finishedLine;
  };
  el.append(form);
  const events = ["change:state", "change:seen"];
  events.forEach((event) => model.on(event, paint));
  paint();
  return () => {
    clearTimeout(typing);
    clearTimeout(patience);
    events.forEach((event) => model.off(event, paint));
  };
}

export default { render };
