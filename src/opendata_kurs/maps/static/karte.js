"use strict";
// Draws the course's maps with Leaflet. Data arrive as integers (1e-5 degrees, each relative to the one before).
var kursKarte = (function () {
  L.Control.Zoom.mergeOptions({zoomInTitle: "Vergrößern", zoomOutTitle: "Verkleinern"});
  L.Popup.mergeOptions({maxWidth: 320});
  // folium's own popups call jQuery for one thing only: making an element from a text
  window.$ = window.$ || function (text) {
    const holder = document.createElement("template");
    holder.innerHTML = String(text).trim();
    return [holder.content.firstElementChild];
  };
  const groups = [];

  function start(id, options, extra) {
    const element = document.getElementById(id);
    const map = L.map(element, options);
    element._kurskarte = map;
    L.control.zoom({position: "topleft"}).addTo(map);
    L.control.scale({imperial: false}).addTo(map);
    map.zoomControl = null;
    for (const button of element.querySelectorAll(".leaflet-control-zoom a")) {
      button.addEventListener("keydown", (event) => {
        if (event.key === " ") { event.preventDefault(); button.click(); }
      });
    }
    map.on("popupopen", (event) => {
      const close = event.popup.getElement() && event.popup.getElement().querySelector(".leaflet-popup-close-button");
      if (close) { close.setAttribute("aria-label", "Fenster schließen"); }
    });
    // the wheel scrolls the page until somebody has chosen the map
    map.on("focus", () => map.scrollWheelZoom.enable());
    map.on("blur", () => map.scrollWheelZoom.disable());
    if (extra.ausschnitt) {
      const bounds = L.latLngBounds(extra.ausschnitt);
      const whole = () => map.fitBounds(bounds, {padding: [12, 12], animate: false});
      whole();
      map.setMaxBounds(bounds.pad(0.6));
      map.setMinZoom(Math.max(0, Math.floor(map.getZoom()) - 1));
      const Home = L.Control.extend({onAdd: function () {
        const box = L.DomUtil.create("div", "leaflet-bar");
        const button = L.DomUtil.create("button", "", box);
        button.type = "button";
        button.title = "Ganze Karte zeigen";
        button.setAttribute("aria-label", "Ganze Karte zeigen");
        button.innerHTML = '<svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">' +
          '<path d="M2 6V2h4M12 2h4v4M16 12v4h-4M6 16H2v-4" fill="none" stroke="currentColor" stroke-width="2"/></svg>';
        L.DomEvent.disableClickPropagation(box);
        button.addEventListener("click", () => { moved = false; whole(); });
        return box;
      }});
      new Home({position: "topleft"}).addTo(map);
      let moved = false;
      element.addEventListener("pointerdown", () => { moved = true; });
      element.addEventListener("keydown", () => { moved = true; });
      element.addEventListener("wheel", () => { moved = true; }, {passive: true});
      new ResizeObserver(() => { map.invalidateSize({animate: false}); if (!moved) { whole(); } }).observe(element);
    }
    if (extra.hintergrund) { background(map, extra.hintergrund); }
    return map;
  }

  function background(map, url) {
    let told = false;
    const note = document.getElementById("hinweis");
    L.tileLayer(url, {maxZoom: 19, maxNativeZoom: 18}).on("tileerror", () => {
      if (told || !note) { return; }
      told = true;
      note.textContent = "Der Kartenhintergrund von basemap.de ist gerade nicht erreichbar. " +
        "Die Daten sehen Sie trotzdem.";
    }).addTo(map);
  }

  function ring(deltas) {
    const out = [];
    let y = 0, x = 0;
    for (let i = 0; i < deltas.length; i += 2) {
      y += deltas[i];
      x += deltas[i + 1];
      out.push([y / 1e5, x / 1e5]);
    }
    return out;
  }

  // text only, never markup: names come from other people's files
  function card(names, values) {
    const box = L.DomUtil.create("div", "karteikarte");
    L.DomUtil.create("strong", "", box).textContent = values[0];
    const list = L.DomUtil.create("dl", "", box);
    for (let i = 1; i < names.length; i++) {
      L.DomUtil.create("dt", "", list).textContent = names[i];
      L.DomUtil.create("dd", values[i].length > 22 ? "text" : "", list).textContent = values[i];
    }
    return box;
  }

  function cards(group, data, map) {
    const row = data.spalten
      ? (i) => data.spalten.map((column) => column[i])
      : (i) => data.zeilen[i];
    const content = (layer) => card(data.namen, row(layer.zeile));
    group.bindTooltip(content, {sticky: true, direction: "auto", opacity: 1});
    group.bindPopup(content, {autoPan: true});
    group.on("popupopen", () => group.closeTooltip());
  }

  function read(id) { return JSON.parse(document.getElementById(id).textContent); }

  function finish(map, group, count) {
    groups.push(group);
    document.documentElement.dataset.gezeichnet =
      String(Number(document.documentElement.dataset.gezeichnet || 0) + count);
    map.whenReady(() => requestAnimationFrame(() => { document.documentElement.dataset.bereit = "ja"; }));
  }

  function shapes(map, id) {
    const data = read(id);
    const renderer = data.formen.length > 1500 ? L.canvas({padding: 0.3}) : L.svg({padding: 0.3});
    const group = L.featureGroup();
    data.formen.forEach((parts, i) => {
      const k = data.klassen[i];
      const fill = k >= 0 ? data.farben[k] : (renderer instanceof L.SVG ? "url(#schraffur)" : "#d4d4d4");
      const shape = L.polygon(parts.map((part) => part.map(ring)), {
        renderer: renderer, color: data.linie, weight: data.breite, opacity: 1, fillColor: data.leer ? "#ffffff" : fill,
        fillOpacity: data.deckung, smoothFactor: 0.6, lineJoin: "round", interactive: !data.leer,
        className: data.leer ? "umriss" : (k >= 0 ? "flaeche" : "flaeche ohne-angabe")});
      shape.zeile = i;
      group.addLayer(shape);
    });
    if (!data.leer) {
      cards(group, data, map);
      group.on("mouseover", (event) => event.layer.setStyle({weight: 3, color: "#1b1f24"}).bringToFront());
      group.on("mouseout", (event) => event.layer.setStyle({weight: data.breite, color: data.linie}));
    }
    group.addTo(map);
    if (!data.leer) { finish(map, group, data.formen.length); }
    return group;
  }

  function points(map, id) {
    const data = read(id);
    const many = data.orte.length > 2000;
    const renderer = many ? L.canvas({padding: 0.2, tolerance: 3}) : L.svg({padding: 0.2});
    const layers = new Array(data.orte.length / 2);
    let y = 0, x = 0;
    for (let i = 0; i < layers.length; i++) {
      y += data.orte[2 * i];
      x += data.orte[2 * i + 1];
      const marker = L.circleMarker([y / 1e5, x / 1e5], {
        renderer: renderer, radius: data.radien ? data.radien[i] : data.radius, color: "#ffffff", weight: many ? 0.5 : 1.25,
        opacity: 1, fillColor: data.farbe, fillOpacity: data.radien ? 0.75 : 0.9, className: "punkt",
        bubblingMouseEvents: false});
      marker.zeile = i;
      layers[i] = marker;
    }
    let group;
    if (data.gruppen) {
      group = L.markerClusterGroup({
        showCoverageOnHover: false, chunkedLoading: true, chunkInterval: 100, maxClusterRadius: 55,
        disableClusteringAtZoom: 17, spiderfyOnMaxZoom: false, animate: !many,
        iconCreateFunction: (cluster) => {
          const n = cluster.getChildCount();
          const size = n < 10 ? 32 : n < 100 ? 38 : n < 1000 ? 46 : 54;
          return L.divIcon({className: "gruppe", iconSize: [size, size],
            html: '<span>' + n.toLocaleString("de-DE") + '<span class="nur-vorlesen"> Punkte, vergrößern</span></span>'});
        }});
      group.on("clusterkeypress", (event) => {
        if (event.originalEvent.key === "Enter") { event.layer.zoomToBounds(); }
      });
      group.addLayers(layers);
      group.addTo(map);
    } else {
      group = L.featureGroup(layers).addTo(map);
    }
    cards(group, data, map);
    finish(map, group, layers.length);
    return group;
  }

  return {start: start, shapes: shapes, points: points, groups: groups};
})();
