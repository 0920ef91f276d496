for (const head of document.querySelectorAll("table.sort thead th[data-sort]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const table = head.closest("table"), body = table.tBodies[0], place = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending" ||
      (!head.hasAttribute("aria-sort") && head.dataset.sort === "number");
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.cells[place].dataset.value ?? row.cells[place].textContent;
    const number = (row) => { const found = parseFloat(value(row)); return Number.isNaN(found) ? -Infinity : found; };
    const order = head.dataset.sort === "number" ? (a, b) => number(a) - number(b) : (a, b) => value(a).localeCompare(value(b));
    body.append(...[...body.rows].sort((a, b) => down ? order(b, a) : order(a, b)));
  });
}
