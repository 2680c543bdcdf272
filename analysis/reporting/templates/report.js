"use strict";
{
  const form = document.getElementById("filter");
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const said = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  // Which claims are shown: of the boxes of one kind any, of different kinds all.
  function filter() {
    const asked = new FormData(form);
    const statuses = asked.getAll("status");
    const channels = asked.getAll("channel");
    const words = asked.get("words").toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const { status, channels: heard, study, source } = row.dataset;
      row.hidden = !(
        (!statuses.length || statuses.includes(status)) &&
        (!channels.length || heard.split(" ").some((one) => channels.includes(one))) &&
        (!asked.get("study") || asked.get("study") === study) &&
        (!asked.get("source") || asked.get("source") === source) &&
        words.every((word) => said.get(row).includes(word))
      );
      count += !row.hidden;
    }
    const all = rows.length === 1 ? "1 claim" : `${rows.length} claims`;
    document.getElementById("shown").textContent = count === rows.length ? all : `${count} of ${all}`;
  }
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());

  // By a column, up and then down; rows that are equal there keep their order.
  function sort(heading) {
    const column = heading.cellIndex;
    const order = heading.ariaSort === "ascending" ? "descending" : "ascending";
    for (const other of heading.parentElement.cells) other.ariaSort = other === heading ? order : "none";
    const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
    const sign = order === "ascending" ? 1 : -1;
    rows.sort((a, b) => sign * key(a).localeCompare(key(b), "en", { numeric: true }));
    body.append(...rows);
  }
  for (const heading of table.tHead.rows[0].cells) heading.firstElementChild.addEventListener("click", () => sort(heading));

  // A figure fills the window; once more, and it is larger than that.
  const dialog = document.getElementById("large");
  const large = dialog.querySelector("img");
  for (const button of document.querySelectorAll(".enlarge")) {
    button.addEventListener("click", () => {
      const small = button.firstElementChild;
      large.src = small.src;
      large.alt = small.alt;
      large.classList.remove("near");
      dialog.showModal();
    });
  }
  large.addEventListener("click", () => large.classList.toggle("near"));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  // What an address leads to is unfolded, and on paper everything is.
  function unfold() {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (place instanceof HTMLDetailsElement) {
      place.open = true;
      place.scrollIntoView();
    }
  }
  addEventListener("hashchange", unfold);
  unfold();
  const folded = new Set();
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) {
      folded.add(one);
      one.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
    folded.clear();
  });
  if (matchMedia("(max-width: 62rem)").matches) document.querySelector("nav details").open = false;
}
