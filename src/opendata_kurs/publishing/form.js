// Renders the metadata form as plain semantic HTML. No library, no network. All knowledge stays in the kernel.

const NEED = { pflicht: "Pflicht", empfohlen: "empfohlen", freiwillig: "freiwillig" };
const TYPING_PAUSE = 500; // ms after the last key until a typed value is sent

function render({ model, el }) {
  const prefix = "odm-" + Math.random().toString(36).slice(2, 9) + "-"; // only in the browser, never in the notebook
  const form = element("form", { class: "odm", lang: "de", "aria-label": "Metadaten", novalidate: true, autocomplete: "off" });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.append(element("p", { class: "odm-title" }, "Metadaten"));
  const fields = {}; // name -> { read, paint, mark }
  const waiting = {};

  // Messages are numbered. The kernel's values are painted only after it has seen the last message; an older echo
  // would undo what was typed since.
  model.odmSent ??= model.get("seen") || 0;
  const tell = (art, values) => model.send({ art, values, number: ++model.odmSent });
  const send = (name) => {
    clearTimeout(waiting[name]);
    delete waiting[name];
    tell("value", { [name]: fields[name].read() });
  };
  const later = (name) => {
    clearTimeout(waiting[name]);
    waiting[name] = setTimeout(() => send(name), TYPING_PAUSE);
  };
  const all = () => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.read()]));

  for (const group of model.get("groups")) {
    const box = element("fieldset", { class: "odm-group" }, element("legend", {}, group.group));
    for (const spec of group.fields) {
      const id = prefix + spec.name, helpId = id + "-hilfe", noteId = id + "-befund";
      const need = element("span", { class: "odm-need" }, ` (${NEED[spec.need]})`);
      const help = element("p", { class: "odm-help", id: helpId }, spec.help || "");
      const note = element("div", { class: "odm-note", id: noteId, hidden: true });
      const described = `${helpId} ${noteId}`;
      const mark = (control) => (found) => {
        note.replaceChildren(...found.map((f) => element("p", { class: f.level }, `${f.word}: ${f.text}`)));
        note.hidden = !found.length;
        const bad = found.some((f) => f.level === "error");
        bad ? control.setAttribute("aria-invalid", "true") : control.removeAttribute("aria-invalid");
      };
      if (spec.kind === "several") {
        const inner = element("fieldset", { class: "odm-several", "aria-describedby": described }, element("legend", {}, spec.label, need), help);
        for (const [code, label] of spec.choices) {
          const input = element("input", { type: "checkbox", id: `${id}-${code}`, value: code });
          input.addEventListener("change", () => send(spec.name));
          inner.append(element("div", { class: "odm-option" }, input, element("label", { for: `${id}-${code}` }, label)));
        }
        const inputs = [...inner.querySelectorAll("input")];
        fields[spec.name] = {
          read: () => inputs.filter((input) => input.checked).map((input) => input.value),
          paint: (value) => inputs.forEach((input) => (input.checked = (value || []).includes(input.value))),
          mark: (found) => mark(inner)(found),
        };
        inner.append(note);
        box.append(inner);
        continue;
      }
      let control;
      const common = { id, name: spec.name, "aria-describedby": described, "aria-required": spec.need === "pflicht" ? "true" : null };
      if (spec.kind === "choice") {
        control = element("select", common, element("option", { value: "" }, "– bitte wählen –"),
          ...spec.choices.map(([code, label]) => element("option", { value: code }, label)));
        control.addEventListener("change", () => send(spec.name));
      } else {
        control = spec.kind === "textarea" ? element("textarea", { ...common, rows: 4 })
          : element("input", { ...common, type: spec.kind === "email" ? "email" : "text", inputmode: spec.kind === "date" ? "numeric" : null });
        control.addEventListener("input", () => later(spec.name));
        control.addEventListener("change", () => send(spec.name));
      }
      fields[spec.name] = {
        read: () => control.value,
        paint: (value) => {
          // a value that the list does not know must stay visible
          if (spec.kind === "choice" && value && ![...control.options].some((o) => o.value === value))
            control.append(element("option", { value }, value + " (nicht in der Liste)"));
          control.value = value || "";
        },
        mark: mark(control),
      };
      box.append(element("div", { class: "odm-field" }, element("label", { for: id }, spec.label, need), control, help, note));
    }
    form.append(box);
  }

  const status = element("p", { class: "odm-status", role: "status", "aria-live": "polite" });
  const list = element("ul", { class: "odm-findings", hidden: true, "aria-label": "Befunde" });
  const check = element("button", { type: "button" }, "Angaben prüfen");
  const save = element("button", { type: "button" }, "Angaben speichern");
  check.addEventListener("click", () => tell("check", all()));
  save.addEventListener("click", () => tell("save", all()));
  form.append(element("div", { class: "odm-buttons" }, check, save), status, list);

  const paintValues = () => {
    if ((model.get("seen") || 0) < model.odmSent) return;
    const values = model.get("values") || {};
    const root = form.getRootNode();
    for (const [name, field] of Object.entries(fields)) {
      const typing = waiting[name] || root.activeElement?.name === name; // never overwrite what is being typed
      if (!typing) field.paint(values[name]);
    }
  };
  const paintFindings = () => {
    const found = model.get("findings") || [];
    for (const [name, field] of Object.entries(fields)) field.mark(found.filter((f) => f.field === name));
    list.replaceChildren(...found.map((f) => {
      const item = element("li", { class: f.level });
      const target = f.field && form.querySelector(`#${CSS.escape(prefix + f.field)}`);
      if (target) {
        const jump = element("button", { type: "button", class: "odm-jump" }, f.label);
        jump.addEventListener("click", () => target.focus());
        item.append(`${f.word}: `, jump, ` – ${f.text}`);
      } else item.append(`${f.word}: ${f.label} – ${f.text}`);
      return item;
    }));
    list.hidden = !found.length;
    suppressShortcuts(form);
  };
  const paintStatus = () => {
    status.textContent = "";
    requestAnimationFrame(() => (status.textContent = model.get("status") || ""));
  };
  keepShortcutsAway(form);

  el.append(form);
  const events = { "change:values": paintValues, "change:seen": paintValues, "change:findings": paintFindings, "change:answer": paintStatus };
  for (const [name, paint] of Object.entries(events)) model.on(name, paint);
  Object.entries(fields).forEach(([name, field]) => field.paint((model.get("values") || {})[name]));
  paintFindings();
  paintStatus();
  return () => {
    for (const [name, paint] of Object.entries(events)) model.off(name, paint);
    Object.values(waiting).forEach(clearTimeout);
  };
}
export default { render };
