"use strict";

// Tables: a click on a heading sorts by that column, a second click reverses the order.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((cell) => cell.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const key = (row) => row.cells[column].textContent.trim();
      const rows = [...body.rows].sort((a, b) => compare(key(a), key(b), down));
      body.append(...rows);
    });
  });
}

// Compare numbers by value and words by alphabet; missing values come last in both directions.
function compare(a, b, down) {
  const x = parseFloat(a), y = parseFloat(b);
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  const order = Number.isNaN(x) ? a.localeCompare(b) : x - y;
  return down ? -order : order;
}

// Attacked texts: a text is shown where each filter stands at "all" or at the text's own value.
const filters = document.querySelector("#filters");
if (filters !== null) {
  const texts = [...document.querySelectorAll("#texts > li")];
  const selects = [...filters.querySelectorAll("select")];
  const choose = () => {
    let shown = 0;
    for (const text of texts) {
      text.hidden = selects.some((select) => select.value !== "" && text.dataset[select.name] !== select.value);
      if (!text.hidden) shown += 1;
    }
    filters.querySelector("output").textContent = `${shown} of ${texts.length} texts`;
  };
  selects.forEach((select) => select.addEventListener("change", choose));
  filters.hidden = false;
  choose();  // a browser may keep the choices when the page is loaded again
}

// Figures: pointing at a figure shows the nearest mark; marks are [x, y, text] in units of the viewBox.
const readout = document.createElement("div");
readout.id = "readout";
readout.hidden = true;
readout.setAttribute("role", "status");
const REACH = 45;  // pixels
for (const figure of document.querySelectorAll("figure[data-marks]")) {
  const svg = figure.querySelector("svg");
  const marks = JSON.parse(figure.dataset.marks);
  const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  ring.setAttribute("class", "pointed");
  ring.setAttribute("r", "5");
  const hide = () => { readout.hidden = true; ring.remove(); };
  const point = (event) => {
    const box = svg.getBoundingClientRect();
    const scale = box.width / svg.viewBox.baseVal.width;
    let nearest = null, distance = REACH;
    for (const mark of marks) {
      const gap = Math.hypot(box.left + mark[0] * scale - event.clientX, box.top + mark[1] * scale - event.clientY);
      if (gap < distance) { nearest = mark; distance = gap; }
    }
    if (nearest === null) { hide(); return; }
    ring.setAttribute("cx", nearest[0]);
    ring.setAttribute("cy", nearest[1]);
    svg.append(ring);
    readout.textContent = nearest[2];
    figure.append(readout);
    readout.hidden = false;
    const outer = figure.getBoundingClientRect();
    const x = box.left - outer.left + nearest[0] * scale, y = box.top - outer.top + nearest[1] * scale;
    readout.style.left = `${Math.max(0, Math.min(x - readout.offsetWidth / 2, outer.width - readout.offsetWidth))}px`;
    readout.style.top = `${y - readout.offsetHeight - 10}px`;
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
}

// For printing, every table of numbers is opened.
let closed = [];
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((details) => { details.open = true; });
});
window.addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
