// What all forms of the course share; stands before each form's own script (forms.py). No library, no network.

const PATIENCE = 6000; // ms without an answer from Python until a form says so

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// JupyterLab runs one-key commands (x cuts cells, arrows move between them) on every focused element that lacks
// this attribute. Call it again for controls that were added later.
function suppressShortcuts(box, on = true) {
  for (const control of box.querySelectorAll("input, select, textarea, button, a"))
    on ? control.setAttribute("data-lm-suppress-shortcuts", "true") : control.removeAttribute("data-lm-suppress-shortcuts");
}

// While Ctrl or Cmd is down the attribute is lifted, so that Ctrl+S still saves the notebook.
function keepShortcutsAway(box) {
  const isModifier = (event) => event.key === "Control" || event.key === "Meta";
  box.addEventListener("keydown", (event) => {
    if (isModifier(event)) suppressShortcuts(box, false);
    else if (!event.ctrlKey && !event.metaKey && event.key !== "Tab") event.stopPropagation();
  });
  box.addEventListener("keyup", (event) => isModifier(event) && suppressShortcuts(box));
  box.addEventListener("focusin", () => suppressShortcuts(box));
  suppressShortcuts(box);
}
