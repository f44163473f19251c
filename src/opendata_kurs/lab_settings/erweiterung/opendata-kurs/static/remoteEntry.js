// Brings a form back that JupyterLab gave up. ipywidgets waits two seconds for a form's model. On a slow machine the
// model arrives just then: it is there, but the page says "model not found" for good. This plugin looks again.
// Where there is no model (Python was restarted), it says in German what to do. It also makes room on a phone: the list
// of files is folded away, printed text breaks between words, hints are large enough to hit, links are
// underlined, pictures get their text alternative. And it adds the German words that JupyterLab's language pack lacks or
// has wrong (deutsch.json, in the pack's own form: English text -> German, one or plural).
// Written by hand in the shape that JupyterLab loads: a container with init() and get(). Nothing to build.

const MIME = "application/vnd.jupyter.widget-view+json";
const GIVEN_UP = "Error displaying widget: model not found";
const WHAT_TO_DO = "Dieses Formular ist nicht mehr mit Python verbunden. Führen Sie die Zelle noch einmal aus.";
const LOOK_AGAIN = 500; // ms
const NARROW = 700; // px: below, the list of files would cover the notebook
// JupyterLab cuts words at any letter, leaves hints to unfold 22 px high (24 is the least for a finger, WCAG 2.5.8), and
// shows links by colour only (WCAG 1.4.1).
const STYLE = `.jp-OutputArea-output pre { word-break: normal; overflow-wrap: anywhere }
  .jp-Notebook summary { padding-block: 2px; min-height: 24px }
  .jp-Notebook .jp-RenderedHTMLCommon a:is(:link, :visited) { text-decoration: underline }`;

// Yields [what is shown, what is saved, the cell] for each output of the open notebooks.
function* outputs(app) {
  for (const panel of app.shell.widgets("main")) {
    for (const cell of panel.content?.widgets ?? []) {
      const area = cell.outputArea;
      for (let i = 0; i < (area?.widgets.length ?? 0); i++) yield [area.widgets[i], area.model.get(i), cell];
    }
  }
}

// Yields [renderer, saved data] for each widget output of the open notebooks.
function* widgetOutputs(app) {
  for (const [shown, saved] of outputs(app)) {
    const data = saved?.data?.[MIME];
    if (!data) continue;
    for (const child of shown.children()) if (child.renderModel && child.mimeType === MIME) yield [child, data];
  }
}

// Gives pictures the text alternative that the output or its cell holds; JupyterLab itself gives them none.
function describePictures(app) {
  for (const [shown, saved, cell] of outputs(app)) {
    const alt = saved?.metadata?.["image/png"]?.alt ?? cell.model.getMetadata("opendata_kurs")?.alt;
    if (alt) for (const picture of shown.node.querySelectorAll("img:not([alt])")) picture.alt = alt;
  }
}

async function repair(renderer, data) {
  const manager = await renderer._manager.promise;
  if (manager.has_model(data.model_id)) {
    renderer.removeClass("jupyter-widgets");
    await renderer.renderModel({ data: { [MIME]: { ...data } } });
  } else if (renderer.node.textContent === GIVEN_UP) {
    renderer.node.textContent = WHAT_TO_DO;
    renderer.node.lang = "de";
  }
}

const HERE = document.currentScript?.src; // known only while this file is loaded
const PATIENCE = 5000; // ms: JupyterLab starts without our words rather than late
let shared; // what JupyterLab shares with its plugins: name -> version -> module

// Adds our words right after JupyterLab fetched its own, before anything is labelled. The server could merge them too
// (entry point `jupyterlab.locale`), but it compares versions, and the pack gives its name as version.
async function completeGerman() {
  const [version] = Object.values(shared["@jupyterlab/translation"]);
  const answer = await fetch(new URL("deutsch.json", HERE), { signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(`deutsch.json: ${answer.status}`);
  const [{ TranslationManager }, words] = await Promise.all([version.get().then((make) => make()), answer.json()]);
  const fetchPack = TranslationManager.prototype.fetch;
  TranslationManager.prototype.fetch = async function (locale) {
    await fetchPack.call(this, locale);
    if (this.languageCode.startsWith("de")) Object.assign(this._domainData.jupyterlab, words);
  };
}

const plugin = {
  id: "opendata-kurs:formulare",
  description: "Brings forms back after a reload, makes room on a phone, completes the German words.",
  autoStart: true,
  activate(app) {
    const look = async () => {
      describePictures(app);
      for (const [renderer, data] of widgetOutputs(app)) {
        if ([GIVEN_UP, WHAT_TO_DO].includes(renderer.node.textContent)) await repair(renderer, data).catch(console.warn);
      }
      setTimeout(look, LOOK_AGAIN);
    };
    document.head.append(Object.assign(document.createElement("style"), { id: "opendata-kurs", textContent: STYLE }));
    app.restored.then(() => {
      const skip = document.querySelector("#jp-skiplink a"); // JupyterLab asks no translator here
      if (skip && document.documentElement.lang.startsWith("de")) skip.textContent = "Zum Hauptbereich springen";
      if (window.innerWidth < NARROW) app.shell.collapseLeft();
      look();
    });
  },
};

(window._JUPYTERLAB ??= {})["opendata-kurs"] = {
  init(scope) {
    shared = scope;
  },
  async get() {
    await completeGerman().catch(console.warn); // without them JupyterLab is only partly German
    return () => ({ __esModule: true, default: plugin });
  },
};
