// Chooser for map_explorer: real select elements with labels, a status for screen readers, the map in a frame.
function render({model, el}) {
  el.classList.add("karten-auswahl");
  el.lang = "de";
  const row = document.createElement("div");
  row.className = "felder";
  const field = (trait, text, list) => {
    if (!list.length) { return; }
    const label = document.createElement("label");
    label.append(text);
    const select = document.createElement("select");
    // JupyterLab would otherwise take the arrow keys
    select.dataset.lmSuppressShortcuts = "true";
    for (const [value, name] of list) {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = name;
      select.append(option);
    }
    select.value = model.get(trait);
    select.addEventListener("change", () => { model.set(trait, select.value); model.save_changes(); });
    model.on("change:" + trait, () => { select.value = model.get(trait); });
    label.append(select);
    row.append(label);
  };
  field("figure", "Was soll die Karte zeigen?", model.get("figures"));
  field("year", "Jahr", model.get("years"));
  field("scheme", "Klassen", model.get("schemes"));
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  status.className = "stand";
  const frame = document.createElement("iframe");
  frame.style.height = model.get("height") + "px";
  const show = () => {
    status.textContent = model.get("status");
    frame.title = "Karte: " + model.get("status").replace(/^Gezeigt wird: /, "").split(". ")[0];
  };
  const draw = () => { frame.srcdoc = model.get("page"); };
  model.on("change:page", draw);
  model.on("change:status", show);
  show();
  draw();
  el.append(row, frame, status);
}
export default {render};
