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
      const whole = () => map.fitBounds(bounds, {
        // on a phone the buttons would lie on the map's corner
        paddingTopLeft: [element.clientWidth < 480 ? 56 : 12, 12], paddingBottomRight: [12, 12], animate: false});
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
    // opening the table lengthens the page; it must not shrink the map
    const figure = element.closest("figure"), summary = document.querySelector("summary");
    if (figure && summary) {
      summary.addEventListener("click", () => {
        figure.style.minHeight = summary.parentElement.open ? "" : figure.getBoundingClientRect().height + "px";
      });
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

  // Shapes drawn as SVG are one stop of the Tab key; arrow keys go from one to the next, Enter opens the window.
  function byKeyboard(layers, data) {
    const elements = layers.map((layer) => layer.getElement && layer.getElement());
    if (!elements.length || elements.some((element) => !element)) { return; }
    const row = (i) => (data.spalten ? data.spalten.map((column) => column[i]) : data.zeilen[i]);
    layers.forEach((layer, i) => {
      const values = row(layer.zeile);
      elements[i].setAttribute("role", "img");
      elements[i].setAttribute("aria-label", values.map((v, k) => (k ? data.namen[k] + " " : "") + v).join(", ") +
        (i ? "" : ". Pfeiltasten führen zum nächsten Eintrag."));
      // without a number, a browser may make each shape a stop of its own
      elements[i].setAttribute("tabindex", i ? "-1" : "0");
      elements[i].addEventListener("keydown", (event) => {
        const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
        let next = step ? (i + step + layers.length) % layers.length : -1;
        if (event.key === "Home") { next = 0; }
        if (event.key === "End") { next = layers.length - 1; }
        if (event.key === "Enter" || event.key === " ") {
          layer.fire("click", {latlng: layer.getCenter ? layer.getCenter() : layer.getLatLng()}, true);
        } else if (event.key === "Escape") {
          layer._map.closePopup();
        } else if (next >= 0) {
          elements[i].setAttribute("tabindex", "-1");
          elements[next].setAttribute("tabindex", "0");
          elements[next].focus();
        } else { return; }
        event.preventDefault();
        event.stopPropagation();
      });
    });
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
    if (!data.leer) { byKeyboard(group.getLayers(), data); finish(map, group, data.formen.length); }
    return group;
  }

  // Many points: two arrays and one canvas instead of one object for each point.
  const Cloud = L.Renderer.extend({
    initialize: function (data) {
      L.Renderer.prototype.initialize.call(this, {padding: 0.25});
      const count = data.orte.length / 2;
      this.data = data;
      this.radius = data.radius;
      this.wx = new Float64Array(count);
      this.wy = new Float64Array(count);
      let y = 0, x = 0;
      for (let i = 0; i < count; i++) {
        y += data.orte[2 * i];
        x += data.orte[2 * i + 1];
        const place = L.CRS.EPSG3857.latLngToPoint(L.latLng(y / 1e5, x / 1e5), 0);
        this.wx[i] = place.x;
        this.wy[i] = place.y;
      }
    },
    _initContainer: function () {
      this._container = document.createElement("canvas");
      this._container.setAttribute("aria-hidden", "true");
      this._container.style.pointerEvents = "none";
    },
    _destroyContainer: function () { L.DomUtil.remove(this._container); delete this._container; },
    _updatePaths: function () {},
    // few points in sight: smooth circles; many: whole pixels, which is ten times faster
    _circles: function (pen, seen, ratio) {
      const r = this.radius * ratio, edge = Math.ceil(2 * r) + 4;
      const sprite = document.createElement("canvas");
      sprite.width = sprite.height = edge;
      const brush = sprite.getContext("2d");
      brush.fillStyle = this.data.farbe;
      brush.strokeStyle = "#ffffff";
      brush.lineWidth = ratio;
      brush.arc(edge / 2, edge / 2, r, 0, 2 * Math.PI);
      brush.fill();
      brush.stroke();
      for (let i = 0; i < seen.length; i += 2) { pen.drawImage(sprite, seen[i] - edge / 2, seen[i + 1] - edge / 2); }
    },
    _pixels: function (pen, seen, ratio) {
      const width = pen.canvas.width, height = pen.canvas.height, r = Math.round(this.radius * ratio);
      const image = pen.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
      const value = parseInt(this.data.farbe.slice(1), 16);
      // little-endian everywhere a browser runs: alpha, blue, green, red
      const colour = (0xff000000 | (value & 0xff) << 16 | value & 0xff00 | value >> 16) >>> 0;
      const stamp = [];
      for (let dy = -r; dy <= r; dy++) {
        for (let dx = -r; dx <= r; dx++) { if (dx * dx + dy * dy <= r * r + 1) { stamp.push(dy * width + dx); } }
      }
      for (let i = 0; i < seen.length; i += 2) {
        const x = seen[i] | 0, y = seen[i + 1] | 0;
        if (x < r || y < r || x >= width - r || y >= height - r) { continue; }
        const at = y * width + x;
        for (let k = 0; k < stamp.length; k++) { pixels[at + stamp[k]] = colour; }
      }
      pen.putImageData(image, 0, 0);
    },
    _update: function () {
      if (this._map._animatingZoom && this._bounds) { return; }
      L.Renderer.prototype._update.call(this);
      const box = this._bounds, size = box.getSize(), ratio = L.Browser.retina ? 2 : 1, canvas = this._container;
      L.DomUtil.setPosition(canvas, box.min);
      canvas.width = ratio * size.x;
      canvas.height = ratio * size.y;
      canvas.style.width = size.x + "px";
      canvas.style.height = size.y + "px";
      const pen = canvas.getContext("2d"), seen = [];
      const scale = Math.pow(2, this._map.getZoom()), origin = this._map.getPixelOrigin().add(box.min);
      for (let i = 0; i < this.wx.length; i++) {
        const x = (this.wx[i] * scale - origin.x) * ratio, y = (this.wy[i] * scale - origin.y) * ratio;
        if (x > -9 && y > -9 && x < canvas.width + 9 && y < canvas.height + 9) { seen.push(x, y); }
      }
      this.drawn = seen.length / 2;
      this.radius = this.drawn > 20000 ? 1 : this.drawn > 2000 ? 3 : 5.5;
      if (this.drawn > 2000) { this._pixels(pen, seen, ratio); } else { this._circles(pen, seen, ratio); }
    },
    nearest: function (point) {
      const scale = Math.pow(2, this._map.getZoom()), origin = this._map.getPixelOrigin();
      const px = point.x + origin.x, py = point.y + origin.y;
      let found = -1, best = Math.pow(this.radius + 4, 2);
      for (let i = 0; i < this.wx.length; i++) {
        const dx = this.wx[i] * scale - px, dy = this.wy[i] * scale - py, d = dx * dx + dy * dy;
        if (d < best) { best = d; found = i; }
      }
      return found;
    }
  });

  function cloud(map, data) {
    const layer = new Cloud(data).addTo(map);
    const content = (i) => card(data.namen, data.spalten.map((column) => column[i]));
    const place = (i) => L.CRS.EPSG3857.pointToLatLng(L.point(layer.wx[i], layer.wy[i]), 0);
    const tip = L.tooltip({direction: "auto", opacity: 1});
    let shown = -1, waiting = false;
    map.on("mousemove", (event) => {
      if (waiting) { return; }
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        const i = layer.nearest(event.layerPoint);
        if (i === shown) { return; }
        shown = i;
        if (i < 0) { tip.remove(); } else { tip.setLatLng(place(i)).setContent(content(i)).openOn(map); }
      });
    });
    map.on("click", (event) => {
      const i = layer.nearest(event.layerPoint);
      if (i >= 0) { tip.remove(); L.popup().setLatLng(place(i)).setContent(content(i)).openOn(map); }
    });
    finish(map, layer, layer.wx.length);
    return layer;
  }

  function points(map, id) {
    const data = read(id);
    const many = data.orte.length / 2 > 2000;
    if (many && !data.gruppen && !data.radien) { return cloud(map, data); }
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
    // in chunks the page stays usable while it groups; it is ready when the last chunk is in
    const done = (processed, total) => {
      if (many && total === layers.length && processed === total) { group.refreshClusters(); finish(map, group, total); }
    };
    if (data.gruppen) {
      group = L.markerClusterGroup({
        showCoverageOnHover: false, chunkedLoading: many, chunkInterval: 100, chunkProgress: done, maxClusterRadius: 80,
        disableClusteringAtZoom: 17, spiderfyOnMaxZoom: false, animate: !many,
        iconCreateFunction: (cluster) => {
          const n = cluster.getChildCount();
          const size = n < 10 ? 30 : n < 100 ? 36 : n < 1000 ? 42 : 50;
          return L.divIcon({className: "gruppe", iconSize: [size, size],
            html: '<span>' + n.toLocaleString("de-DE") + '<span class="nur-vorlesen"> Punkte, vergrößern</span></span>'});
        }});
      group.on("clusterkeypress", (event) => {
        if (event.originalEvent.key === "Enter") { event.layer.zoomToBounds(); }
      });
      group.addTo(map);
      group.addLayers(layers);
    } else {
      group = L.featureGroup(layers).addTo(map);
    }
    cards(group, data, map);
    if (!data.gruppen) { byKeyboard(layers, data); }
    if (!(data.gruppen && many)) { finish(map, group, layers.length); }
    return group;
  }

  return {start: start, shapes: shapes, points: points, groups: groups};
})();
