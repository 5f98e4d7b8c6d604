"use strict";
// The page of a bundle: selection of an object, origins of values, search, and zoom of the diagram. Without scripts the page
// is readable, except for the origins.
(() => {
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, content, className = "") => {
    const element = document.createElement(name);
    element.className = className;
    element.append(...[content].flat());
    return element;
  };
  document.documentElement.classList.add("js");
  const data = JSON.parse(one("#data").textContent);
  const objects = all("article.object");
  const rows = all(".list tbody tr[data-object]");
  const rowOf = new Map(rows.map((row) => [row.dataset.object, row]));
  const diagram = one(".canvas > svg");
  const canvas = one(".canvas");
  const query = one("#query");

  // Shows the selected object and highlights its arrows.
  const show = (id) => {
    const chosen = objects.find((object) => object.id === id);
    if (!chosen) return null;
    objects.forEach((object) => { object.hidden = object !== chosen; });
    rows.forEach((row) => {
      const link = one("a", row);
      if (row.dataset.object === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    const number = id.slice(1);
    if (diagram) {
      diagram.classList.add("choosing");
      all("[data-box]", diagram).forEach((box) => box.classList.toggle("chosen", box.dataset.box === number));
      all("[data-from]", diagram).forEach((part) =>
        part.classList.toggle("on", part.dataset.from === number || part.dataset.to === number));
    }
    return chosen;
  };
  const go = () => {
    const chosen = show(location.hash.slice(1));
    if (!chosen) return;
    chosen.scrollIntoView();
    chosen.focus({ preventScroll: true });
  };
  addEventListener("hashchange", go);
  show(data.start);
  if (location.hash) go();

  // Shows the origin of a value below its line.
  const close = () => {
    const panel = one(".origin");
    const button = one(".yaml [aria-expanded=true]");
    if (panel) panel.remove();
    if (button) button.setAttribute("aria-expanded", "false");
    return button;
  };
  const place = (at) => make("code", at || "not from a file");
  const overridden = (was) => was.map(([value, at]) =>
    make("dd", ["overrides ", make("s", value), " ", at ? place(at) : ""], "was"));
  const panel = (button) => {
    const origin = data.origins[button.dataset.origin];
    const list = document.createElement("dl");
    list.append(make("dt", "Written by"), make("dd", place(origin.at)));
    if (origin.expression) list.append(make("dt", "Expression"), make("dd", make("code", "{{ " + origin.expression + " }}")));
    else if (origin.hash) list.append(make("dt", "Value"), make("dd", "literal, with the content hash"));
    else list.append(make("dt", "Value"), make("dd", "literal"));
    list.append(...overridden(origin.was || []));
    (origin.from || []).forEach((number, at) => {
      const value = data.values[number];
      if (at === 0) list.append(make("dt", "From"));
      list.append(make("dd", [make("strong", value.path), " = ", make("code", value.value), " ", place(value.at)]));
      list.append(...overridden(value.was || []));
    });
    const element = make("div", [make("h4", make("code", button.dataset.field)), list], "origin");
    element.id = "origin";
    return element;
  };
  const open = (button) => {
    if (close() === button) return;
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-describedby", "origin");
    button.parentElement.after(panel(button));
  };
  all(".yaml").forEach((yaml) => {
    const values = all("[data-origin]", yaml);
    // Not a button, since the text must wrap.
    values.forEach((button, at) => {
      button.tabIndex = at === 0 ? 0 : -1;
      button.setAttribute("role", "button");
      button.setAttribute("aria-expanded", "false");
    });
    yaml.addEventListener("focusin", (event) => {
      if (!event.target.matches("[data-origin]")) return;
      values.forEach((button) => { button.tabIndex = button === event.target ? 0 : -1; });
    });
    yaml.addEventListener("click", (event) => {
      const button = event.target.closest("[data-origin]");
      // Do not interfere with selecting text.
      if (button && String(getSelection()) === "") open(button);
    });
  });

  // The searchable strings: names, kinds, rules and lines.
  const texts = new Map();
  const text = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };
  const search = () => {
    close();
    const words = query.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const says = (element) => words.every((word) => text(element).includes(word));
    let count = 0;
    objects.forEach((object) => {
      const found = says(object);
      count += found ? 1 : 0;
      all(".yaml > div", object).forEach((line) =>
        line.classList.toggle("hit", words.length > 0 && words.some((word) => text(line).includes(word))));
      rowOf.get(object.id).hidden = !found;
      const box = diagram && one(`[data-box="${object.id.slice(1)}"]`, diagram);
      if (box) box.classList.toggle("dim", !found);
    });
    all(".list tbody").forEach((body) => { body.hidden = all("tr[data-object]", body).every((row) => row.hidden); });
    all("#findings .found > li").forEach((finding) => { finding.hidden = !says(finding); });
    one("#count").textContent = words.length ? `${count} of ${objects.length} objects` : "";
    const shown = objects.find((object) => !object.hidden);
    const first = rows.find((row) => !row.hidden);
    const still = shown && !rowOf.get(shown.id).hidden;
    if (first && !still) show(first.dataset.object);
  };
  query.addEventListener("input", search);

  // The diagram is scaled to fit if it stays readable, otherwise it scrolls.
  const sides = diagram ? [diagram.viewBox.baseVal.width, diagram.viewBox.baseVal.height] : [1, 1];
  let [scale, least] = [0, 0.9];
  const resize = () => {
    if (!diagram) return;
    const fit = Math.min(1, Math.max(least, canvas.clientWidth / sides[0]));
    diagram.setAttribute("width", Math.floor(sides[0] * (scale || fit)));
    diagram.setAttribute("height", Math.floor(sides[1] * (scale || fit)));
  };
  const zoom = (factor) => {
    if (!diagram) return;
    const now = diagram.width.baseVal.value / sides[0];
    least = 0;
    scale = factor === 0 ? 0 : Math.min(3, Math.max(0.2, now * factor));
    resize();
  };
  all(".zoom button").forEach((button) => button.addEventListener("click", () => zoom(Number(button.dataset.zoom))));
  addEventListener("resize", resize);
  resize();
  if (canvas) {
    let from = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse" || event.button !== 0 || event.target.closest("a")) return;
      from = [event.clientX + canvas.scrollLeft, event.clientY + canvas.scrollTop];
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (from) canvas.scrollTo(from[0] - event.clientX, from[1] - event.clientY);
    });
    canvas.addEventListener("lostpointercapture", () => { from = null; });
  }

  // Keyboard: / searches, arrows move between lines, Escape closes.
  const step = (event, elements) => {
    const keys = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    const at = elements.indexOf(document.activeElement);
    if (!(event.key in keys) || at < 0) return;
    event.preventDefault();
    elements[Math.min(elements.length - 1, Math.max(0, at + keys[event.key]))].focus();
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const active = document.activeElement;
    if (event.key === "Escape") {
      const button = close();
      if (button) button.focus();
      else if (active === query) { query.value = ""; search(); }
    } else if (active === query) {
      const first = rows.find((row) => !row.hidden);
      if (event.key === "Enter" && first) {
        const shown = objects.find((object) => !object.hidden);
        const hit = one(".hit", shown);
        (hit || shown).scrollIntoView({ block: hit ? "center" : "start" });
        ((hit && one("[data-origin]", hit)) || shown).focus({ preventScroll: true });
      }
    } else if (event.key === "/") {
      event.preventDefault();
      query.focus();
      query.select();
    } else if (active && active.closest(".yaml")) {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        open(active);
      } else step(event, all("[data-origin]", active.closest(".yaml")));
    } else if (active && active.closest(".list table")) {
      step(event, rows.filter((row) => !row.hidden).map((row) => one("a", row)));
    } else if (active && active.closest(".canvas")) {
      const factor = { "+": 1.25, "-": 0.8, "0": 0 }[event.key];
      if (factor !== undefined) zoom(factor);
    }
  });
})();
