"use strict";
{
  const PER_PAGE = 50;
  const CLASS_COLUMNS = [2, 3], ANSWER_COLUMN = 4, DIGITS = { 1: 4, 5: 3, 6: 3 };
  const find = (id) => document.getElementById(id);
  const data = JSON.parse(find("galaxy-data").textContent);
  const headers = [...find("galaxy-table").tHead.rows[0].cells];
  let shown = data.rows, column = 1, falling = true, first = 0;

  const words = (row) => row.map((value, place) => {
    if (CLASS_COLUMNS.includes(place)) return data.classes[value];
    if (place === ANSWER_COLUMN) return data.answers[value];
    return place in DIGITS ? value.toFixed(DIGITS[place]) : String(value);
  });

  const draw = () => {
    const body = find("galaxy-table").tBodies[0];
    body.replaceChildren();
    for (const row of shown.slice(first, first + PER_PAGE)) {
      const line = body.insertRow();
      words(row).forEach((text, place) => {
        const cell = line.insertCell();
        cell.textContent = text;
        cell.className = headers[place].className;
      });
    }
    const last = Math.min(first + PER_PAGE, shown.length);
    find("galaxy-place").textContent =
      shown.length ? `${first + 1} to ${last} of ${shown.length}` : "none";
    find("galaxy-before").disabled = first === 0;
    find("galaxy-after").disabled = last === shown.length;
    headers.forEach((header, place) => header.setAttribute(
      "aria-sort", place !== column ? "none" : falling ? "descending" : "ascending"));
  };

  const sort = () => {
    const sign = falling ? -1 : 1;
    shown.sort((one, other) => sign * (one[column] - other[column]));
    first = 0;
    draw();
  };

  headers.forEach((header, place) => header.firstElementChild.addEventListener("click", () => {
    falling = place === column ? !falling : place === 1;
    column = place;
    sort();
  }));
  find("galaxy-before").addEventListener("click", () => { first -= PER_PAGE; draw(); });
  find("galaxy-after").addEventListener("click", () => { first += PER_PAGE; draw(); });
  find("galaxy-filter").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    shown = data.rows.filter((row) => words(row).join(" ").toLowerCase().includes(wanted));
    sort();
  });
  find("galaxy-browser").hidden = false;
  draw();
}
