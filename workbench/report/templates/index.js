document.querySelectorAll("table.audits").forEach(function (table) {
  table.querySelectorAll("thead th").forEach(function (head, column) {
    var button = document.createElement("button");
    button.type = "button";
    button.append.apply(button, Array.from(head.childNodes));
    head.append(button);
    button.addEventListener("click", function () {
      var rising = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("thead th").forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      var key = function (row) { var cell = row.cells[column]; return cell.dataset.key || cell.textContent; };
      var body = table.tBodies[0];
      Array.from(body.rows)
        .sort(function (a, b) { return (rising ? 1 : -1) * key(a).localeCompare(key(b), "en", { numeric: true }); })
        .forEach(function (row) { body.append(row); });
    });
  });
});
